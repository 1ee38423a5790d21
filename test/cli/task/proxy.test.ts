import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { expect, it, test } from 'vitest'
import type { RequestError } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import { explainProxy } from '../../../src/cli/task/proxy-error.ts'
import { useProxy } from '../../../src/cli/task/proxy.ts'
import { jsonl, messages, Workplace } from '../../helpers/cli.ts'

/**
 * A proxy that opens tunnels to loopback only. It keeps the places that clients asked for.
 *
 * @param refusal The status of its answer to all other places.
 */
async function startProxy(refusal = '403 Forbidden') {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const proxy = createServer()
    .on('connect', ({ url = '' }, client: Socket) => {
      asked.push(url)
      sockets.add(client)
      const [host = '', port] = url.split(':')
      client.on('error', () => undefined)
      if (host !== '127.0.0.1') {
        client.end(`HTTP/1.1 ${refusal}\r\n\r\n`)
        return
      }
      const server = connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        server.pipe(client).pipe(server)
      })
      server.on('error', () => client.destroy())
      sockets.add(server)
    })
    .listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await once(proxy.close(), 'close')
    },
  }
}

const latency = { timeToFirstToken: 1, outputTokensPerSecond: 100_000 }

test.each(['HTTP_PROXY', 'http_proxy'])('run sends through the proxy of %s', async (name) => {
  await using simulator = await startSimulator({ latency })
  await using proxy = await startProxy()
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const env = { OPENAI_BASE_URL: simulator.baseURL, [name]: proxy.url }
  expect(await place.run(place.job(), { env })).toMatchObject({ code: 0, stderr: '' })
  expect(proxy.asked).toContain(new URL(simulator.baseURL).host)

  // Afterwards, and for the hosts of NO_PROXY, requests go straight to the server.
  proxy.asked.length = 0
  await fetch(simulator.baseURL)
  expect(await place.run(place.job(), { env: { ...env, NO_PROXY: '127.0.0.1' } })).toMatchObject({ code: 0 })
  expect(proxy.asked).toEqual([])
})

test.each([
  ['HTTP_PROXY', '127.0.0.1:8080'],
  ['http_proxy', 'http://me:geheim@127.0.0.1:99999'],
  ['HTTPS_PROXY', 'geheim'],
])('a proxy that is no URL ends the run with its name, and without a password: %s', async (name, proxy) => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(1)) })
  const env = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', HTTP_PROXY: 'http://127.0.0.1:1', [name]: proxy }
  const stderr = `${name}: expected the URL of a proxy, such as http://127.0.0.1:8080\n`
  expect(await place.run(place.job(), { env })).toEqual({ code: 2, stdout: '', stderr })
})

test.each(['HTTPS_PROXY', 'https_proxy'])(
  'a server of https: is reached by the tunnel of %s',
  async (name) => {
    await using proxy = await startProxy()
    using place = new Workplace({ 'in.jsonl': jsonl(messages(1)) })
    const env = {
      OPENAI_BASE_URL: 'https://api.example.com/v1',
      [name]: proxy.url,
      HTTP_PROXY: 'http://127.0.0.1:1',
    }
    const { code } = await place.run([...place.job(), '--max-attempts', '1'], { env })
    expect(code).not.toBe(0)
    expect(proxy.asked[0]).toBe('api.example.com:443')
  },
)

/** The first lines that a run writes behind a proxy, whose place they call `PROXY`. */
async function firstLines(proxy: string, env: Record<string, string> = {}) {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(1)) })
  const { host } = new URL(proxy)
  const all = { OPENAI_BASE_URL: 'https://api.example.com/v1', HTTPS_PROXY: proxy, ...env }
  const run = await place.run([...place.job(), '--max-attempts', '1'], { env: all })
  expect(run).toMatchObject({ code: 3, stdout: '' })
  expect(run.stderr).not.toContain('geheim')
  return run.stderr.replaceAll(host, 'PROXY').split('\n').slice(0, 3)
}

const failed = 'The request failed on attempt 1'
const server = 'The server is https://api.example.com/v1.'

test.each([
  [
    '407 Proxy Authentication Required',
    'wants a user and a password: write HTTPS_PROXY as http://USER:PASSWORD@PROXY (407)',
  ],
  [
    '403 Forbidden',
    'refuses to connect to api.example.com: let its administrator allow api.example.com (403)',
  ],
  ['502 Bad Gateway', 'does not reach api.example.com: try again later, or ask its administrator (502)'],
])('a proxy that answers %s is named, with what to do', async (refusal, why) => {
  await using proxy = await startProxy(refusal)
  expect(await firstLines(proxy.url)).toEqual([failed, `The proxy PROXY ${why}`, server])
})

test('a proxy that refuses the user is named, without the password', async () => {
  await using proxy = await startProxy('407 Proxy Authentication Required')
  const why =
    'refuses the user or the password in HTTPS_PROXY: check both, with signs such as @ written as %40'
  const lines = await firstLines(proxy.url.replace('http://', 'http://me:geheim@'))
  expect(lines).toEqual([failed, `The proxy PROXY ${why} (407)`, server])
})

test.each([
  ['ECONNREFUSED', 'http://me:geheim@127.0.0.1:9'],
  ['ENOTFOUND', 'http://me:geheim@proxy.invalid:3128'],
])('a proxy that cannot be reached is named: %s', async (code, proxy) => {
  const why = `check HTTPS_PROXY, or write api.example.com into NO_PROXY to send without the proxy (${code})`
  expect(await firstLines(proxy)).toEqual([failed, `The proxy PROXY cannot be reached: ${why}`, server])
})

test('a server that needs no proxy and is down is not taken for the proxy', async () => {
  const env = { OPENAI_BASE_URL: 'https://127.0.0.1:2/v1', NO_PROXY: '127.0.0.1' }
  const why = 'The connection failed or broke off (ECONNREFUSED)'
  const lines = await firstLines('http://127.0.0.1:3128', env)
  expect(lines).toEqual([failed, why, 'The server is https://127.0.0.1:2/v1.'])
})

test('a time limit at the proxy names it, and other errors stay as they are', () => {
  const proxy = {
    name: 'HTTPS_PROXY',
    url: new URL('http://proxy.example.com:80'),
    server: 'api.example.com',
  }
  const failure = (message: string, code: string) =>
    new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) })
  const late = (place: string) =>
    failure(
      `Connect Timeout Error (attempted address: ${place}, timeout: 10000ms)`,
      'UND_ERR_CONNECT_TIMEOUT',
    )
  const explained = explainProxy(proxy, late('proxy.example.com:80')) as RequestError
  expect(explained.code).toBe('connection')
  expect(explained.message).toMatch(
    /^The proxy proxy\.example\.com cannot be reached: .*\(UND_ERR_CONNECT_TIMEOUT\)$/,
  )
  for (const error of [
    late('api.example.com:443'),
    failure('other side closed', 'UND_ERR_SOCKET'),
    undefined,
  ]) {
    expect(explainProxy(proxy, error)).toBe(error)
  }
})

test('the simulator needs no proxy', async () => {
  await using proxy = await startProxy()
  using place = new Workplace({ 'in.jsonl': jsonl(messages(1)) })
  const run = await place.run([...place.job(), '--simulate'], { env: { HTTP_PROXY: proxy.url } })
  expect(run.code).toBe(0)
  expect(proxy.asked).toEqual([])
})

it('a Node that cannot use the proxy says so, and what to do', () => {
  const said = (env: Record<string, string>, url = 'https://api.example.com/v1') => {
    let text = ''
    const stderr = { write: (chunk: string) => (text += chunk) } as unknown as NodeJS.WritableStream
    // `null`: Node has no such function.
    useProxy(url, { env, stderr } as never, null as never).close()
    return text
  }
  expect(said({ HTTPS_PROXY: 'http://proxy' })).toMatch(
    /^HTTPS_PROXY is set, but this Node \(\d+\.\d+\.\d+\) does not use it by itself: set NODE_USE_ENV_PROXY=1 /,
  )
  expect(said({ https_proxy: 'http://proxy' })).toContain('https_proxy is set')
  expect(said({ HTTPS_PROXY: 'http://proxy', NODE_USE_ENV_PROXY: '1' })).toBe('')
  expect(said({ HTTP_PROXY: 'http://proxy' })).toBe('')
  expect(said({ HTTP_PROXY: 'http://proxy' }, 'http://127.0.0.1:8000/v1')).toContain('HTTP_PROXY is set')
  expect(said({})).toBe('')
})
