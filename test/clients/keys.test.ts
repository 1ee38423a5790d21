import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { observeOpenAI } from '@langfuse/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Cerebras from '@cerebras/cerebras_cloud_sdk'
import Groq from 'groq-sdk'
import { wrapOpenAI } from 'langsmith/wrappers'
import OpenAI, { type ClientOptions } from 'openai'
import OpenAI6 from 'openai-v6'
import { Portkey } from 'portkey-ai'
import Together from 'together-ai'
import { afterAll, expect, it } from 'vitest'
import type { ChatClient } from 'llm-pack-stream'
import { fromAiSdk } from 'llm-pack-stream/ai-sdk'
import { collect, stringStream } from '../helpers/collect.ts'

const key = 'Zq8KpWm4TnXc71LrVb'
/** A short key is private too, and a server may quote it without `Bearer`. */
const short = 'Qx7Rm2'

/** A server that quotes the keys. */
const server = createServer((_incoming, outgoing) => {
  const error = { message: `Unknown token ${key}, b'${short}'`, code: 'unauthorized' }
  outgoing.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
afterAll(() => server.close())
const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`

const openai = (options: ClientOptions) => new OpenAI({ baseURL, apiKey: 'none', ...options }) as ChatClient
const both = [`Bearer ${key}`, `Bearer ${short}`] as const
const headers = { 'x-one': both[0], 'x-two': both[1] }
const ways: Record<string, () => ChatClient> = {
  'headers, an object': () => openai({ defaultHeaders: headers }),
  'headers, `Headers`': () => openai({ defaultHeaders: new Headers(headers) }),
  'headers, pairs': () => openai({ defaultHeaders: Object.entries(headers) }),
  'headers, a list of values': () => openai({ defaultHeaders: { 'x-auth': [...both] } }),
  'the query': () => openai({ defaultQuery: { key, short } }),
  'the headers of `fetchOptions`': () => openai({ fetchOptions: { headers } as object }),
  'the headers of `fetchOptions`, `Headers`': () =>
    openai({ fetchOptions: { headers: new Headers(headers) } as object }),
  'openai 6': () => new OpenAI6({ baseURL, apiKey: key, defaultHeaders: { 'x-two': short } }),
  LangSmith: () => wrapOpenAI(new OpenAI({ baseURL, apiKey: key, defaultQuery: { short } })),
  Langfuse: () =>
    observeOpenAI(new OpenAI({ baseURL, apiKey: key, defaultHeaders: new Headers({ 'x-two': short }) })),
  'groq-sdk': () => new Groq({ baseURL, apiKey: key, defaultHeaders: { 'x-two': short } }),
  'together-ai': () => new Together({ baseURL, apiKey: key, defaultHeaders: { 'x-two': short } }),
  '@cerebras/cerebras_cloud_sdk': () =>
    new Cerebras({ baseURL, apiKey: key, defaultHeaders: { 'x-two': short }, warmTCPConnection: false }),
  'portkey-ai': () => new Portkey({ baseURL, apiKey: key, Authorization: `Bearer ${short}` }),
  'AI SDK': () =>
    fromAiSdk(createOpenAICompatible({ name: 'x', baseURL, apiKey: key, headers: { 'x-two': short } })('m')),
}

it.each(Object.entries(ways))('no message quotes a key: %s', async (_name, connect) => {
  const error: unknown = await collect(stringStream(connect()), ['x']).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'not_authorized' })
  const shown = inspect(error)
  expect(shown).toContain('Unknown token')
  expect(shown).not.toContain(key)
  expect(shown).not.toContain(short)
})
