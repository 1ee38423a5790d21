import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { expect, it, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { useProxy } from '../../../src/cli/task/proxy.ts'
import { jsonl, messages, Workplace } from '../../helpers/cli.ts'

/** A proxy that opens tunnels to loopback only. It keeps the places that clients asked for. */
async function startProxy() {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const proxy = createServer()
    .on('connect', ({ url = '' }, client: Socket) => {
      asked.push(url)
      sockets.add(client)
      const [host = '', port] = url.split(':')
      client.on('error', () => undefined)
      if (host !== '127.0.0.1') {
        client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
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
    useProxy(url, { env, stderr } as never, null as never)()
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
