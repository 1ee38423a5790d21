import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const part = (name: string) => fileURLToPath(new URL(`parts/${name}`, import.meta.url))
const program = part('llama-server')
const weights = part('model.gguf')

/** The reason why there is no model. `undefined` if `install.sh` has fetched all parts. */
export const noModel = [program, weights].every((path) => existsSync(path))
  ? undefined
  : 'THE TESTS WITH A REAL MODEL DID NOT RUN: the script test/models/install.sh has not run'

export interface LlamaServer extends AsyncDisposable {
  readonly baseURL: string
  /** Number of slots that write an answer now. */
  busySlots: () => Promise<number>
}

/**
 * Starts llama.cpp's server on a free port of loopback, with two slots.
 *
 * @param slotTokens Tokens of context of each slot.
 */
export async function startLlamaServer(slotTokens: number): Promise<LlamaServer> {
  const port = await freePort()
  const slots = 2
  // One thread: several threads wait for each other, which takes minutes on a busy machine.
  const flags = { host: '127.0.0.1', port, 'ctx-size': slots * slotTokens, parallel: slots, threads: 1 }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = spawn(program, ['--model', weights, '--slots', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)))
  const origin = `http://127.0.0.1:${port}`
  await ready(child, origin, () => said)
  return {
    baseURL: `${origin}/v1`,
    async busySlots() {
      const answer = (await (await fetch(`${origin}/slots`)).json()) as { is_processing: boolean }[]
      return answer.filter((slot) => slot.is_processing).length
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** Waits until the server has loaded the model. */
async function ready(child: ChildProcess, origin: string, said: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`llama-server ended: ${said()}`)
    const health = await fetch(`${origin}/health`).catch(() => undefined)
    if (health?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
