import { ApiError, missingField, wrongType, wrongValue } from './errors.ts'
import { isObject, parseJson } from './answer/json-text.ts'

export type Message = { role: string; text: string }

/** `json` is the schema's text: a part of the prompt, and the key under which its compiled form is kept. */
export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; name: string; schema: unknown; json: string; strict: boolean }

/** A chat completion request, checked, with only what the simulator looks at. */
export type ChatRequest = {
  model: string
  messages: Message[]
  stream: boolean
  includeUsage: boolean
  /** `max_completion_tokens`, or else `max_tokens`. */
  maxTokens: number | undefined
  format: ResponseFormat
}

const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function']

/** Reads a request's body. Throws an `ApiError` that names the first field that is missing or wrong. */
export function parseChatRequest(body: string): ChatRequest {
  const request = parseJson(body)
  if (!isObject(request)) {
    throw new ApiError(400, 'We could not parse the JSON body of your request: it must be one JSON object.')
  }
  const { model, messages, n } = request
  if (model === undefined) throw missingField('model')
  if (typeof model !== 'string') throw wrongType('model', 'a string', model)
  if (model === '') throw wrongValue('model', 'the name of a model', model)
  if (n !== undefined && n !== null && n !== 1)
    throw wrongValue('n', '1, as the simulator writes one choice', n)
  if (!leavesText(request['tool_choice'])) {
    const expected = 'none or auto, as the simulator does not call tools'
    throw wrongValue('tool_choice', expected, request['tool_choice'])
  }
  const stream = flag(request['stream'], 'stream')
  return {
    model,
    messages: parseMessages(messages),
    stream,
    includeUsage: parseIncludeUsage(request['stream_options'], stream),
    maxTokens: tokenCap(request, 'max_completion_tokens') ?? tokenCap(request, 'max_tokens'),
    format: parseFormat(request['response_format']),
  }
}

function parseMessages(messages: unknown): Message[] {
  if (messages === undefined) throw missingField('messages')
  if (!Array.isArray(messages)) throw wrongType('messages', 'an array of objects', messages)
  if (messages.length === 0) throw wrongValue('messages', 'an array with at least one message', messages)
  return messages.map((message: unknown, index): Message => {
    const param = `messages[${index}]`
    if (!isObject(message)) throw wrongType(param, 'an object', message)
    const { role, content } = message
    if (role === undefined) throw missingField(`${param}.role`)
    if (typeof role !== 'string') throw wrongType(`${param}.role`, 'a string', role)
    if (!roles.includes(role)) throw wrongValue(`${param}.role`, `one of ${roles.join(', ')}`, role)
    // An assistant's message may consist of tool calls alone.
    if (role === 'assistant' && (content === undefined || content === null)) return { role, text: '' }
    if (content === undefined) throw missingField(`${param}.content`)
    return { role, text: parseContent(content, `${param}.content`) }
  })
}

function parseContent(content: unknown, param: string): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw wrongType(param, 'a string or an array of objects', content)
  const texts = content.map((part: unknown, index) => {
    if (!isObject(part)) throw wrongType(`${param}[${index}]`, 'an object', part)
    // The simulator cannot see or hear: parts other than text are as if they were not there.
    if (part['type'] !== 'text') return ''
    if (typeof part['text'] !== 'string') throw wrongType(`${param}[${index}].text`, 'a string', part['text'])
    return part['text']
  })
  return texts.join('\n')
}

function parseIncludeUsage(options: unknown, stream: boolean): boolean {
  if (options === undefined || options === null) return false
  if (!isObject(options)) throw wrongType('stream_options', 'an object', options)
  if (!stream) {
    const message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    throw new ApiError(400, message, { param: 'stream_options' })
  }
  return flag(options['include_usage'], 'stream_options.include_usage')
}

/** Whether a model may answer with text and call no tool: then tools can be there, and are not called. */
function leavesText(toolChoice: unknown): boolean {
  if (!isObject(toolChoice)) return [undefined, null, 'none', 'auto'].includes(toolChoice as string)
  const { allowed_tools: allowed } = toolChoice
  return isObject(allowed) && allowed['mode'] === 'auto'
}

function parseFormat(format: unknown): ResponseFormat {
  if (format === undefined || format === null) return { type: 'text' }
  if (!isObject(format)) throw wrongType('response_format', 'an object', format)
  const type = format['type']
  if (type === undefined) throw missingField('response_format.type')
  if (type === 'text' || type === 'json_object') return { type }
  if (type !== 'json_schema') {
    throw wrongValue('response_format.type', 'one of text, json_object, json_schema', type)
  }
  const param = 'response_format.json_schema'
  const wrapper = format['json_schema']
  if (wrapper === undefined) throw missingField(param)
  if (!isObject(wrapper)) throw wrongType(param, 'an object', wrapper)
  const { name, schema } = wrapper
  if (name === undefined) throw missingField(`${param}.name`)
  if (typeof name !== 'string') throw wrongType(`${param}.name`, 'a string', name)
  if (!/^[A-Za-z0-9_-]{1,64}$/u.test(name)) {
    throw wrongValue(`${param}.name`, '1 to 64 letters, digits, underscores and hyphens', name)
  }
  const strict = flag(wrapper['strict'], `${param}.strict`)
  if (schema === undefined) throw missingField(`${param}.schema`)
  if (!isObject(schema)) throw wrongType(`${param}.schema`, 'an object', schema)
  return { type, name, schema, json: schemaText(schema), strict }
}

function schemaText(schema: unknown): string {
  try {
    return JSON.stringify(schema)
  } catch {
    // The only way in which parsed JSON cannot be written again: it is nested too deep for the stack.
    throw new ApiError(400, 'Invalid schema for response_format: it is nested too deep.', {
      param: 'response_format',
    })
  }
}

function flag(value: unknown, param: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw wrongType(param, 'a boolean', value)
  return value
}

function tokenCap(request: Record<string, unknown>, param: string): number | undefined {
  const value = request[param]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') throw wrongType(param, 'an integer', value)
  if (!Number.isSafeInteger(value) || value < 1) throw wrongValue(param, 'an integer of at least 1', value)
  return value
}
