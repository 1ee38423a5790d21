import { isObject } from '../json-text.ts'
import { ApiError, belowMinimum, missingField, unknownField, wrongType, wrongValue } from './errors.ts'
import {
  type Fields,
  flag,
  type Message,
  parseBody,
  parseContent,
  parseFormat,
  parseMessages,
  parseModel,
  parseRole,
  parseStreamOptions,
  refuseToolCalls,
  type Request,
  tokenCap,
} from './request.ts'

/** A request to the Responses API, with the fields that the response repeats. */
export type ResponsesRequest = Request & {
  api: 'responses'
  instructions: string | undefined
  metadata: Record<string, string>
}

const roles = ['developer', 'system', 'user', 'assistant']

/** The allowed types of content parts, and whether they hold text. */
const parts = new Map<unknown, boolean>([
  ['input_text', true],
  ['output_text', true],
  ['input_image', false],
  ['input_file', false],
  ['refusal', false],
])

/** Smallest cap that OpenAI accepts here, in tokens. Chat completions have no such minimum. */
const smallestCap = 16

/** Fields of chat completions that have another name here. */
const moved = new Map([
  ['messages', 'input'],
  ['response_format', 'text.format'],
  ['max_completion_tokens', 'max_output_tokens'],
  ['reasoning_effort', 'reasoning.effort'],
  ['verbosity', 'text.verbosity'],
])

/** Fields of chat completions that do not exist here. OpenAI's error names no replacement. */
const chatOnly = [
  ...['audio', 'function_call', 'functions', 'logit_bias', 'logprobs', 'max_tokens', 'modalities', 'n'],
  ...['prediction', 'seed', 'stop', 'web_search_options'],
]

/** Reads a request's body. Throws an `ApiError` that names the first missing or wrong field. */
export function parseResponsesRequest(body: string): ResponsesRequest {
  const request = parseBody(body)
  const model = parseModel(request['model'])
  refuseChatFields(request)
  refuseMemory(request)
  const { text, tool_choice: toolChoice } = request
  refuseToolCalls(toolChoice, isObject(toolChoice) ? toolChoice['mode'] : undefined)
  const stream = flag(request['stream'], 'stream')
  const { include_usage: includeUsage } = parseStreamOptions(request['stream_options'], stream)
  if (includeUsage !== undefined) throw unknownField('stream_options.include_usage')
  if (text !== undefined && text !== null && !isObject(text)) throw wrongType('text', 'an object', text)
  const instructions = parseInstructions(request['instructions'])
  const input = parseInput(request['input'])
  return {
    api: 'responses',
    model,
    // The instructions become the first message.
    messages: instructions === undefined ? input : [{ role: 'system', text: instructions }, ...input],
    stream,
    maxTokens: parseCap(request['max_output_tokens']),
    format: parseFormat('responses', text?.['format']),
    instructions,
    metadata: parseMetadata(request['metadata']),
  }
}

function refuseChatFields(request: Fields): void {
  for (const [field, name] of moved) {
    if (request[field] === undefined) continue
    const message =
      `Unsupported parameter: '${field}'. In the Responses API, this parameter has moved to '${name}'. ` +
      'Try again with the new parameter.'
    throw new ApiError(400, message, { code: 'unsupported_parameter' })
  }
  const field = chatOnly.find((name) => request[name] !== undefined)
  if (field !== undefined) throw unknownField(field)
}

/** Refuses requests that continue an earlier request, because the simulator stores no requests. */
function refuseMemory(request: Fields): void {
  const asked = (field: string) => request[field] !== undefined && request[field] !== null
  for (const field of ['previous_response_id', 'conversation', 'prompt']) {
    if (asked(field))
      throw wrongValue(field, 'no value, because the simulator stores nothing', request[field])
  }
  if (flag(request['background'], 'background')) {
    throw wrongValue('background', 'false, because the simulator stores nothing', true)
  }
  // `store` may be true. It has no effect, because requests that need a stored response are
  // refused.
  flag(request['store'], 'store')
}

function parseInstructions(instructions: unknown): string | undefined {
  if (instructions === undefined || instructions === null) return undefined
  if (typeof instructions !== 'string') throw wrongType('instructions', 'a string', instructions)
  return instructions
}

function parseInput(input: unknown): Message[] {
  if (input === undefined) throw missingField('input')
  if (typeof input === 'string') return [{ role: 'user', text: input }]
  if (!Array.isArray(input)) throw wrongType('input', 'a string or an array of messages', input)
  return parseMessages(input, 'input', parseMessage)
}

function parseMessage({ type, role: given, content }: Fields, param: string): Message {
  if (type !== undefined && type !== 'message') {
    throw wrongValue(`${param}.type`, 'message, because the simulator does not call tools', type)
  }
  const role = parseRole(given, `${param}.role`, roles)
  return { role, text: parseContent(content, `${param}.content`, holdsText) }
}

/**
 * Whether a part of this type holds text. The name of the text part of chat completions is refused,
 * because an error is easier to find than a lost text.
 */
function holdsText(type: unknown, param: string): boolean {
  const isText = parts.get(type)
  if (isText !== undefined) return isText
  if (type === undefined) throw missingField(param)
  throw wrongValue(param, `one of ${[...parts.keys()].join(', ')}`, type)
}

function parseCap(value: unknown): number | undefined {
  const param = 'max_output_tokens'
  if (typeof value === 'number' && value < smallestCap) throw belowMinimum(param, smallestCap, value)
  return tokenCap(value, param)
}

function parseMetadata(metadata: unknown): Record<string, string> {
  if (metadata === undefined || metadata === null) return {}
  if (!isObject(metadata)) throw wrongType('metadata', 'an object', metadata)
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw wrongType(`metadata.${key}`, 'a string', value)
  }
  return metadata as Record<string, string>
}
