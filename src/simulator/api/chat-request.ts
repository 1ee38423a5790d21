import { isObject } from '../json-text.ts'
import { missingField, wrongType, wrongValue } from './errors.ts'
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

/** A chat completion request. */
export type ChatRequest = Request & { api: 'chat'; includeUsage: boolean }

const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function']

/** Reads a request's body. Throws an `ApiError` that names the first missing or wrong field. */
export function parseChatRequest(body: string): ChatRequest {
  const request = parseBody(body)
  const model = parseModel(request['model'])
  const { messages, n, tool_choice: toolChoice } = request
  if (n !== undefined && n !== null && n !== 1)
    throw wrongValue('n', '1, because the simulator writes one choice', n)
  refuseToolCalls(toolChoice, allowedMode(toolChoice))
  const stream = flag(request['stream'], 'stream')
  if (messages === undefined) throw missingField('messages')
  if (!Array.isArray(messages)) throw wrongType('messages', 'an array of objects', messages)
  const { include_usage: includeUsage } = parseStreamOptions(request['stream_options'], stream)
  return {
    api: 'chat',
    model,
    messages: parseMessages(messages, 'messages', parseMessage),
    stream,
    includeUsage: flag(includeUsage, 'stream_options.include_usage'),
    // The newer name has precedence.
    maxTokens:
      tokenCap(request['max_completion_tokens'], 'max_completion_tokens') ??
      tokenCap(request['max_tokens'], 'max_tokens'),
    format: parseFormat('chat', request['response_format']),
  }
}

function parseMessage({ role: given, content }: Fields, param: string): Message {
  const role = parseRole(given, `${param}.role`, roles)
  // An assistant's message may consist of tool calls alone.
  if (role === 'assistant' && (content === undefined || content === null)) return { role, text: '' }
  return { role, text: parseContent(content, `${param}.content`, (type) => type === 'text') }
}

function allowedMode(toolChoice: unknown): unknown {
  if (!isObject(toolChoice)) return undefined
  const { allowed_tools: allowed } = toolChoice
  return isObject(allowed) ? allowed['mode'] : undefined
}
