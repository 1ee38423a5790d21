#!/usr/bin/env node
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { faultKinds, startSimulator } from '../simulator/index.ts'

/** The arguments cannot be used: the message names the one, and the exit code is 2. */
class UsageError extends Error {}

type Command = { summary: string; usage: string; run(args: string[]): Promise<void> }

const commands = new Map<string, Command>([
  [
    'simulate',
    {
      summary: 'run a local OpenAI-compatible server that is not a model',
      usage: `Usage: llm-pack-stream simulate [options]

Runs an OpenAI-compatible server on 127.0.0.1 for trying things out without a key.
It is not a model: it picks labels by words in common with each record.

  --port <number>                      port to listen on, 0 for any free one (default 4010)
  --time-to-first-token <ms>           default 300
  --prompt-tokens-per-second <number>  or Infinity (default 10000)
  --output-tokens-per-second <number>  or Infinity (default 80)
  --slowdown <number>                  how much each further request in flight slows the others (default 0.01)
  --rpm <number>                       limit of requests per minute (default none)
  --tpm <number>                       limit of tokens per minute (default none)
  --context-tokens <number>            tokens of prompt and answer together (default 128000)
  --api-key <key>                      accept only this key (default any)
  --fault-rate <share>                 share of requests that go wrong, from 0 to 1, in all ways alike (default 0)
  --seed <number>                      which requests go wrong, and how (default 1)
  --help                               show this text`,
      run: simulate,
    },
  ],
])

async function simulate(args: string[]): Promise<void> {
  const text = { type: 'string' } as const
  const values = parse(args, {
    port: text,
    'time-to-first-token': text,
    'prompt-tokens-per-second': text,
    'output-tokens-per-second': text,
    slowdown: text,
    rpm: text,
    tpm: text,
    'context-tokens': text,
    'api-key': text,
    'fault-rate': text,
    seed: text,
  })
  const numberOf = (flag: string) => parseNumber(flag, values[flag])
  const port = numberOf('port') ?? 4010
  const faultRate = numberOf('fault-rate') ?? 0
  if (faultRate < 0 || faultRate > 1) {
    throw new UsageError(`--fault-rate: expected a share from 0 to 1, got ${faultRate}`)
  }

  const simulator = await startSimulator({
    port,
    latency: given({
      timeToFirstToken: numberOf('time-to-first-token'),
      promptTokensPerSecond: numberOf('prompt-tokens-per-second'),
      outputTokensPerSecond: numberOf('output-tokens-per-second'),
      slowdown: numberOf('slowdown'),
    }),
    limits: given({ requestsPerMinute: numberOf('rpm'), tokensPerMinute: numberOf('tpm') }),
    faults: {
      rates: Object.fromEntries(faultKinds.map((kind) => [kind, faultRate / faultKinds.length])),
      ...given({ seed: numberOf('seed') }),
    },
    ...given({ contextTokens: numberOf('context-tokens'), apiKey: values['api-key'] }),
  }).catch((error: unknown) => {
    if (error instanceof TypeError || error instanceof RangeError)
      throw new UsageError(inFlags(error.message))
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`Port ${port} is in use. Choose another one with --port, or 0 for any free one.`)
    }
    throw error
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void simulator.close())
  }
  console.log(`This is a simulator, not a model: its answers only look like answers.

export OPENAI_BASE_URL=${simulator.baseURL}
export OPENAI_API_KEY=${values['api-key'] ?? 'simulator'}

Ctrl-C stops it.`)
}

/** Options with a flag of another name. */
const flags = { requestsPerMinute: 'rpm', tokensPerMinute: 'tpm' }

/** An option's error, with the flag in place of the option's name. */
function inFlags(message: string): string {
  return message.replace(/^(?:latency\.|limits\.|faults\.)?(\w+)/u, (_, option: string) => {
    const flag = option in flags ? flags[option as keyof typeof flags] : option
    return `--${flag.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`
  })
}

/** The properties that are set: an option left out and one set to `undefined` are different types. */
function given<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> }
}

function parse(args: string[], options: ParseArgsOptionsConfig): Partial<Record<string, string>> {
  try {
    return parseArgs({ args, options, allowPositionals: false }).values as Partial<Record<string, string>>
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function parseNumber(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const number = value.trim() === '' ? NaN : Number(value)
  if (Number.isNaN(number)) throw new UsageError(`--${flag}: expected a number, got ${JSON.stringify(value)}`)
  return number
}

function overview(): string {
  const lines = [...commands].map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  return `Usage: llm-pack-stream <command> [options]\n\n${lines.join('\n')}\n\nllm-pack-stream <command> --help says more.`
}

async function main(args: string[]): Promise<void> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(overview())
    return
  }
  const command = commands.get(name ?? '')
  if (command === undefined) {
    throw new UsageError(
      `${name === undefined ? 'No command' : `Unknown command '${name}'`}\n\n${overview()}`,
    )
  }
  if (rest.includes('--help') || rest.includes('-h')) console.log(command.usage)
  else await command.run(rest)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
