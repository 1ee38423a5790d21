import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import * as z from 'zod'
import { expect, test } from 'vitest'
import { packAll } from 'llm-pack-stream'
import { Workplace } from '../helpers/cli.ts'

/** A server that answers every request like this. */
async function answering(status: number, type: string, text: string) {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status, { 'content-type': type }).end(text))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async () => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
  return { origin, [Symbol.asyncDispose]: close }
}

/** What servers write for /chat/completions, where only /v1/chat/completions exists. */
const servers: [string, number, string, string][] = [
  ['Ollama', 404, 'text/plain', '404 page not found'],
  ['vLLM', 404, 'application/json', '{"detail":"Not Found"}'],
  [
    'LM Studio',
    200,
    'application/json',
    '{"error":"Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"}',
  ],
  [
    'a web server without this path',
    404,
    'text/html',
    '<html><head><title>404 Not Found</title></head></html>',
  ],
  [
    'a web server of pages only',
    405,
    'text/html',
    '<html><head><title>405 Not Allowed</title></head></html>',
  ],
  ['a web page for every path', 200, 'text/html', '<!doctype html><title>Chat</title>'],
]

test.each(servers)('a base URL without /v1 gets a hint: %s', async (_, status, type, text) => {
  await using server = await answering(status, type, text)
  const hint = (name: string) => `${name} has no version: did you mean ${server.origin}/v1?`

  using place = new Workplace({ 'in.jsonl': '{"text":"shipping"}\n' })
  const run = await place.run([...place.job(), '--max-attempts', '1', '-o', 'out.jsonl'], {
    env: { OPENAI_BASE_URL: server.origin },
  })
  expect(run.code).not.toBe(0)
  expect(run.stderr).toContain(hint('OPENAI_BASE_URL'))

  const client = new OpenAI({ baseURL: `${server.origin}/`, apiKey: 'x' })
  const options = { client, model: 'm', instructions: '', schema: z.string(), maxAttempts: 1 }
  const said = await packAll(['a'], options).then(
    ([outcome]) => (outcome?.status === 'rejected' ? String(outcome.reason.cause) : ''),
    String,
  )
  expect(said).toContain(hint('`client.baseURL`'))
})

test('a base URL without /v1 gets a hint at the end of a large job, too', async () => {
  await using server = await answering(200, 'text/html', '<!doctype html><title>Chat</title>')
  const client = new OpenAI({ baseURL: server.origin, apiKey: 'x' })
  const options = { client, model: 'm', instructions: '', schema: z.string() }
  const records = Array.from({ length: 300 }, (_, i) => `text ${i}`)
  const said = await packAll(records, { ...options, maxPackRecords: 20, maxAttempts: 9 }).then(
    () => '',
    String,
  )
  expect(said).toMatch(
    /None of the first \d+ records got a result, in \d+ answers: expected a stream of events, /,
  )
  expect(said).toContain(`\`client.baseURL\` has no version: did you mean ${server.origin}/v1?`)
  expect(said).not.toContain('`schema`')
})

test.each([
  ['/v1', '404 page not found'],
  ['/v1beta/openai', '404 page not found'],
  ['/openai', 'The model `m` does not exist'],
])('no hint for a URL with a version, or for an unknown model: %s', async (path, text) => {
  await using server = await answering(404, 'text/plain', text)
  const client = new OpenAI({ baseURL: server.origin + path, apiKey: 'x' })
  const options = { client, model: 'm', instructions: '', schema: z.string() }
  const said = await packAll(['a'], options).then(() => '', String)
  expect(said).toContain('There is no such model or endpoint')
  expect(said).not.toContain('did you mean')
})
