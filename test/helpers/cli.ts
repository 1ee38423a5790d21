import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs'
import { EventEmitter, once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Io } from '../../src/cli/io.ts'
import { runCli } from '../../src/cli/run-cli.ts'

export const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliRun {
  readonly child: ChildProcess
  /** The output so far. */
  readonly output: { stdout: string; stderr: string }
  readonly ended: Promise<Ended>
}

export interface CliOptions {
  readonly cwd?: string
  readonly env?: Record<string, string>
  readonly input?: string | Uint8Array
  /** Whether the input stays open after the text. Default: no. */
  readonly isOpen?: boolean
  /** The entry file. Default: the source of the command line. */
  readonly program?: string
  /** Options for Node. */
  readonly nodeArgs?: readonly string[]
}

/**
 * The environment without variables that could change the tests. Node's compile cache only makes
 * them faster.
 */
export const bareEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:OPENAI|KAFKA|NODE(?!_COMPILE_CACHE$))_/.test(name)),
)

/** Starts the command line in its own process. */
export function startCli(
  args: readonly string[],
  { cwd, env = {}, input, isOpen = false, program = main, nodeArgs = [] }: CliOptions = {},
): CliRun {
  const child = spawn(process.execPath, [...nodeArgs, program, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...bareEnv, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  if (isOpen) child.stdin?.write(input ?? '')
  else child.stdin?.end(input)
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const ended = once(child, 'close').then(([code, signal]: (string | number | null)[]) => ({
    ...output,
    // The exit code in the form of a shell.
    code: signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : (code as number | null),
  }))
  return { child, output, ended }
}

/** Returns the examples in the help of a command, in the form that a user pastes into a shell. */
export async function exampleOf(command: string): Promise<string> {
  const { stdout } = await cli([command, '--help'])
  const [, example = ''] = /\nExample[^\n]*:\n((?: {2}.*\n)+)/.exec(stdout) ?? []
  return example
}

/** The runs of `runHere` take turns, because a process has one working directory. */
let turn: Promise<unknown> = Promise.resolve()

/**
 * Runs the command line in this process. It is much faster than a process of its own, but has no
 * signals, kills and pipes. It changes the working directory, which only `pool: 'forks'` allows.
 */
export function runHere(
  args: readonly string[],
  { cwd = process.cwd(), env = {}, input, isOpen = false }: Omit<CliOptions, 'program' | 'nodeArgs'> = {},
): Promise<Ended> {
  const stdin = new PassThrough()
  if (isOpen) stdin.write(input ?? '')
  else stdin.end(input)
  const [stdout, stderr] = [new Collected(), new Collected()]
  const signals = { pid: 0, kill: () => true }
  const io: Io = Object.assign(new EventEmitter(), {
    ...{ stdin, stdout, stderr, env: { ...bareEnv, ...env } },
    ...signals,
  })
  const run = turn.then(async () => {
    const before = process.cwd()
    process.chdir(cwd)
    try {
      const code = await runCli(args, io)
      return { code, stdout: stdout.text, stderr: stderr.text }
    } finally {
      process.chdir(before)
    }
  })
  turn = run.catch(() => undefined)
  return run
}

/** Keeps everything that is written to it. */
class Collected extends Writable {
  text = ''

  constructor() {
    super({ decodeStrings: false })
  }

  override _write(chunk: string | Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** Runs the command line and waits for its end. It starts a process only if an option needs one. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  const { program, nodeArgs } = options
  return program === undefined && nodeArgs === undefined
    ? runHere(args, options)
    : startCli(args, options).ended
}

/** Options for the simulator without latency. */
export const atOnce = [
  ...['--simulate', '--time-to-first-token', '0', '--slowdown', '0'],
  ...['--prompt-tokens-per-second', 'Infinity', '--output-tokens-per-second', 'Infinity'],
]

/** A run that gets no CPU for a moment sends no pack in parts. */
export const wholePacks = ['--linger', '10000']

/** A temporary folder with the files of a job. It is deleted after the test. */
export class Workplace implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
  /** Flags of a job on `in.jsonl`, or on `files` instead. */
  readonly job = (files: readonly string[] = ['in.jsonl']): string[] => [
    ...['run', ...files, '--labels', 'labels.txt', '--prompt', 'Say what it is about.', '--model', 'm'],
  ]

  constructor(files: Record<string, string | Uint8Array> = {}) {
    this.write({ 'labels.txt': 'shipping\nreturns\npayments\n', ...files })
  }

  write(files: Record<string, string | Uint8Array>): void {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(this.path, name), content)
  }

  /**
   * Puts `llm-pack-stream` into the folder, and returns an environment in which a shell finds it.
   */
  install(): Record<string, string | undefined> {
    this.write({ 'llm-pack-stream': `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n` })
    chmodSync(join(this.path, 'llm-pack-stream'), 0o755)
    return { ...bareEnv, PATH: `${this.path}:${process.env['PATH']}` }
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8')
  }

  /** Returns the rows of a JSON Lines file. */
  rows(name: string): Record<string, unknown>[] {
    return parseLines(this.read(name))
  }

  /** Runs a command. `run` prints only problems, unless `isLoud`. */
  run(
    args: readonly string[],
    { isLoud = false, ...options }: Omit<CliOptions, 'cwd'> & { readonly isLoud?: boolean } = {},
  ): Promise<Ended> {
    const quiet = args[0] === 'run' && !isLoud ? ['--quiet'] : []
    return cli([...args, ...quiet], { cwd: this.path, ...options })
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true })
  }
}

export function parseLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** Messages about one of three labels each. The simulator finds the label by its word. */
export function messages(count: number): { id: string; text: string }[] {
  const topics = ['shipping takes long', 'returns are hard', 'payments fail']
  return Array.from({ length: count }, (_, i) => ({
    id: `id-${i}`,
    text: `Message number ${i}: ${topics[i % 3] ?? ''}`,
  }))
}

export const jsonl = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')
