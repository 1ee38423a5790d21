import { PackStream, type ChatClient } from '../../index.ts'
import { given } from '../flags/given.ts'
import type { PlanOptions } from './options.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** What a real stream would send. */
export interface DryRequest {
  readonly system: string
  readonly user: string
  /** The schema of the whole answer. */
  readonly jsonSchema: JsonSchema
}

/** The parts of a request's body that are read here, of either API. */
interface Body {
  readonly messages?: readonly Message[]
  readonly input?: readonly Message[]
  readonly response_format?: { readonly json_schema: { readonly schema: JsonSchema } }
  readonly text?: { readonly format: { readonly schema: JsonSchema } }
}

interface Message {
  readonly role: string
  readonly content: string
}

/**
 * The request in which a real `PackStream` puts these texts. Its client keeps the first request to itself.
 *
 * @throws {TypeError | RangeError} From the stream, for a bad option.
 */
export async function dryRequest(
  options: PlanOptions,
  texts: readonly string[],
  countTokens: (text: string) => number,
): Promise<DryRequest> {
  const { promise, resolve, reject } = Promise.withResolvers<Body>()
  const create = (body: Body): Promise<never> => {
    resolve(body)
    return new Promise(() => {
      // No answer comes: the stream is destroyed.
    })
  }
  const client = { chat: { completions: { create } }, responses: { create } } as unknown as ChatClient
  const { api, model, instructions, schema, examples, request } = options
  const stream = new PackStream({
    ...{ client, model, instructions, schema, countTokens, maxPackRecords: texts.length },
    ...given({ api, examples, request }),
  })
  stream.on('error', reject)
  for (const text of texts) stream.write(text)
  stream.end()
  try {
    return readBody(await promise)
  } finally {
    stream.destroy()
  }
}

function readBody({ messages, input, response_format: format, text }: Body): DryRequest {
  const [system, user] = messages ?? input ?? []
  const jsonSchema = format?.json_schema.schema ?? text?.format.schema
  if (system?.role !== 'system' || user?.role !== 'user' || !jsonSchema) {
    throw new Error('The stream sent a request of another form than expected')
  }
  return { system: system.content, user: user.content, jsonSchema }
}
