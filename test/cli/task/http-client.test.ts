import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { expect, it, test } from 'vitest'
import { HttpClient } from '../../../src/cli/task/http-client.ts'

/** A server that answers each request with this status, type and text. */
async function answering(status: number, type: string, text: string) {
  const seen: { url: string | undefined; headers: IncomingMessage['headers']; body: unknown }[] = []
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      seen.push({ url: request.url, headers: request.headers, body })
      response.writeHead(status, { 'content-type': type, 'x-request-id': 'req-1' }).end(text)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    seen,
    [Symbol.asyncDispose]: async () => {
      await once(server.close(), 'close')
    },
  }
}

it('posts JSON with the key below the base URL, whose query stays', async () => {
  await using server = await answering(200, 'application/json', '{}')
  const lines: string[] = []
  const client = new HttpClient({
    ...{ baseURL: `${server.origin}/v1/?version=2`, apiKey: 'KEY', organization: 'org-1', project: 'proj-1' },
    log: (line) => lines.push(line),
  })
  const response = await client.post('chat/completions', { model: 'm' }, undefined)
  expect(await response.text()).toBe('{}')
  expect(server.seen).toMatchObject([
    {
      url: '/v1/chat/completions?version=2',
      body: { model: 'm' },
      headers: {
        ...{ authorization: 'Bearer KEY', 'openai-organization': 'org-1', 'openai-project': 'proj-1' },
        'content-type': 'application/json',
      },
    },
  ])
  const url = `${server.origin}/v1/chat/completions`
  expect(lines).toEqual([`POST ${url} {"model":"m"}`, `200 from ${url}`])
})

test.each<[string, number, string, object]>([
  [
    'of OpenAI',
    401,
    '{"error":{"message":"Wrong key","code":"invalid_api_key","type":"auth","param":null}}',
    { message: 'Wrong key', code: 'invalid_api_key', type: 'auth', param: null, requestID: 'req-1' },
  ],
  [
    'of Gemini, in an array',
    429,
    '[{"error":{"message":"Slowly","code":429,"status":"RESOURCE_EXHAUSTED"}}]',
    { message: 'Slowly', error: { status: 'RESOURCE_EXHAUSTED' } },
  ],
  ['of vLLM, without `error`', 400, '{"message":"Bad","code":400}', { message: 'Bad', code: 400 }],
  ['of FastAPI', 404, '{"detail":"Not Found"}', { message: '{"detail":"Not Found"}' }],
  ['a text', 404, '404 page not found', { message: '404 page not found', error: '404 page not found' }],
  ['a page', 502, '<html><head><title>502 Bad Gateway</title>', { message: '502 Bad Gateway' }],
  ['an empty body', 500, '', { message: '', error: '' }],
  ['null', 500, 'null', { message: '{}' }],
])('a failure has the words and the fields of the server: %s', async (_, status, text, expected) => {
  await using server = await answering(status, 'text/plain', text)
  const client = new HttpClient({ baseURL: server.origin, apiKey: 'KEY' })
  const error: unknown = await client.post('responses', {}, undefined).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ status, ...expected })
})
