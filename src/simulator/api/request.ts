import type { Api } from './api.ts'
import { ApiError, invalidSchema, missingField, wrongType, wrongValue } from './errors.ts'
import { isObject, parseJson } from '../json-text.ts'

export type Message = { role: string; text: string }

/**
 * `json` is the schema's text. It is a part of the prompt, and the key under which the compiled
 * schema is kept.
 */
export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; name: string; schema: unknown; json: string; strict: boolean }

/** A checked request to either API, with only the fields that the simulator uses. */
export type Request = {
  api: Api
  model: string
  messages: Message[]
  stream: boolean
  /** Largest number of tokens in the answer. */
  maxTokens: number | undefined
  format: ResponseFormat
}

/** A JSON object whose fields are not checked yet. */
export type Fields = Record<string, unknown>

// The functions below read the fields that both APIs have. Each throws an `ApiError` that names the
// field `param`.

/** Reads a request's body. */
export function parseBody(body: string): Fields {
  const request = parseJson(body)
  if (isObject(request)) return request
  throw new ApiError(400, 'We could not parse the JSON body of your request: it must be one JSON object.')
}

export function parseModel(model: unknown): string {
  if (model === undefined) throw missingField('model')
  if (typeof model !== 'string') throw wrongType('model', 'a string', model)
  if (model === '') throw wrongValue('model', 'the name of a model', model)
  return model
}

/** Reads a list of messages with `parse`. */
export function parseMessages(
  messages: readonly unknown[],
  param: string,
  parse: (message: Fields, param: string) => Message,
): Message[] {
  if (messages.length === 0) throw wrongValue(param, 'an array with at least one message', messages)
  return messages.map((message, index) => {
    if (!isObject(message)) throw wrongType(`${param}[${index}]`, 'an object', message)
    return parse(message, `${param}[${index}]`)
  })
}

export function parseRole(role: unknown, param: string, roles: readonly string[]): string {
  if (role === undefined) throw missingField(param)
  if (typeof role !== 'string') throw wrongType(param, 'a string', role)
  if (!roles.includes(role)) throw wrongValue(param, `one of ${roles.join(', ')}`, role)
  return role
}

/** Reads a message's text. `holdsText` returns whether a part with this type holds text. */
export function parseContent(
  content: unknown,
  param: string,
  holdsText: (type: unknown, param: string) => boolean,
): string {
  if (content === undefined) throw missingField(param)
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw wrongType(param, 'a string or an array of objects', content)
  const texts = content.map((part: unknown, index) => {
    if (!isObject(part)) throw wrongType(`${param}[${index}]`, 'an object', part)
    // The simulator cannot see or hear, so it ignores parts that are not text.
    if (!holdsText(part['type'], `${param}[${index}].type`)) return ''
    if (typeof part['text'] !== 'string') throw wrongType(`${param}[${index}].text`, 'a string', part['text'])
    return part['text']
  })
  return texts.join('\n')
}

export function parseStreamOptions(options: unknown, stream: boolean): Fields {
  if (options === undefined || options === null) return {}
  if (!isObject(options)) throw wrongType('stream_options', 'an object', options)
  if (stream) return options
  const message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
  throw new ApiError(400, message, { param: 'stream_options' })
}

/**
 * Refuses requests that force a tool call. If the model may choose, the request may have tools, and
 * the simulator does not call them. `mode` is the mode of a choice among some tools.
 */
export function refuseToolCalls(toolChoice: unknown, mode: unknown): void {
  const choice = isObject(toolChoice) ? mode : (toolChoice ?? 'auto')
  if (choice === 'auto' || choice === 'none') return
  throw wrongValue('tool_choice', 'none or auto, because the simulator does not call tools', toolChoice)
}

/**
 * The field of each API that holds the answer's format, and the field in it that holds the schema.
 */
const formats = {
  chat: { param: 'response_format', within: 'json_schema' },
  responses: { param: 'text.format', within: undefined },
}

export function parseFormat(api: Api, format: unknown): ResponseFormat {
  const { param, within } = formats[api]
  if (format === undefined || format === null) return { type: 'text' }
  if (!isObject(format)) throw wrongType(param, 'an object', format)
  const type = format['type']
  if (type === undefined) throw missingField(`${param}.type`)
  if (type === 'text' || type === 'json_object') return { type }
  if (type !== 'json_schema') {
    throw wrongValue(`${param}.type`, 'one of text, json_object, json_schema', type)
  }
  if (within === undefined) return parseSchemaFormat(api, format, param)
  const wrapper = format[within]
  if (wrapper === undefined) throw missingField(`${param}.${within}`)
  if (!isObject(wrapper)) throw wrongType(`${param}.${within}`, 'an object', wrapper)
  return parseSchemaFormat(api, wrapper, `${param}.${within}`)
}

function parseSchemaFormat(api: Api, format: Fields, param: string): ResponseFormat {
  const { name, schema } = format
  if (name === undefined) throw missingField(`${param}.name`)
  if (typeof name !== 'string') throw wrongType(`${param}.name`, 'a string', name)
  if (!/^[A-Za-z0-9_-]{1,64}$/u.test(name)) {
    throw wrongValue(`${param}.name`, '1 to 64 letters, digits, underscores and hyphens', name)
  }
  const strict = flag(format['strict'], `${param}.strict`)
  if (schema === undefined) throw missingField(`${param}.schema`)
  if (!isObject(schema)) throw wrongType(`${param}.schema`, 'an object', schema)
  return { type: 'json_schema', name, schema, json: schemaText(api, name, schema), strict }
}

function schemaText(api: Api, name: string, schema: unknown): string {
  try {
    return JSON.stringify(schema)
  } catch {
    // Parsed JSON cannot be written again only if it is nested too deep for the stack.
    throw invalidSchema(api, name, 'it is nested too deeply')
  }
}

export function flag(value: unknown, param: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw wrongType(param, 'a boolean', value)
  return value
}

/** Reads a number of tokens, from 1. */
export function tokenCap(value: unknown, param: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') throw wrongType(param, 'an integer', value)
  if (!Number.isSafeInteger(value) || value < 1) throw wrongValue(param, 'an integer of at least 1', value)
  return value
}
