/**
 * Measures the cost of the command line: `run --simulate` without latency, and the same pipeline as
 * a program. Each runs in its own process. The time is measured from start to end, one process
 * right after the other.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atOnce, bareEnv, main, Workplace } from '../helpers/cli.ts'
import { FROM_SOURCE } from '../helpers/run.ts'
import { watchMemory } from '../helpers/watch-memory.ts'
import { median, medianRatio } from './stats.ts'

const ROWS = 200_000
const ROUNDS = 4
const PROMPT = 'Say what it is about.'
const LABELS = ['shipping', 'returns', 'payments']
const pipeline = fileURLToPath(new URL('cli-pipeline.ts', import.meta.url))

interface Sample {
  readonly rowsPerSecond: number
  /** Memory in MB; NaN if it is not known. */
  readonly peak: number
}

async function measure(args: readonly string[], output: string): Promise<Sample> {
  const start = performance.now()
  const child = spawn(process.execPath, args, { env: bareEnv, stdio: 'inherit' })
  const ended = once(child, 'exit')
  const memory = await watchMemory(child.pid ?? 0, ended, 100)
  const [code] = (await ended) as unknown[]
  const seconds = (performance.now() - start) / 1_000
  // A contender that loses rows would look fast.
  const rows = readFileSync(output, 'utf8').split('\n').length - 1
  if (code !== 0 || rows !== ROWS)
    throw new Error(`Expected ${ROWS} rows, got ${rows}, and exit code ${String(code)}`)
  return { rowsPerSecond: ROWS / seconds, peak: memory?.peak ?? NaN }
}

export async function cli(): Promise<void> {
  using place = new Workplace({ 'in.csv': csv(), 'labels.txt': LABELS.join('\n') })
  const [input, output, labels] = ['in.csv', 'out.jsonl', 'labels.txt'].map((name) => join(place.path, name))
  if (input === undefined || output === undefined || labels === undefined) return
  const job = ['--field', 'text', '--labels', labels, '--prompt', PROMPT, '--model', 'm', '--overwrite']
  const commands = {
    cli: [main, 'run', input, '-o', output, ...job, ...atOnce],
    plain: [FROM_SOURCE, pipeline, input, output, PROMPT, LABELS.join(',')],
  }
  const samples: Record<keyof typeof commands, Sample[]> = { cli: [], plain: [] }
  for (let round = 0; round < ROUNDS; round++) {
    // Each contender comes first equally often.
    for (const name of round % 2 === 0 ? (['cli', 'plain'] as const) : (['plain', 'cli'] as const)) {
      samples[name].push(await measure(commands[name], output))
    }
  }

  const rate = (name: keyof typeof samples) => samples[name].map(({ rowsPerSecond }) => rowsPerSecond)
  const row = (name: keyof typeof samples) => ({
    'rows/s (median)': Math.round(median(rate(name))),
    'max RSS, MB': Math.max(...samples[name].map(({ peak }) => peak)),
  })
  console.log(`cli: ${ROWS.toLocaleString('en')} rows of CSV, zero latency, ${ROUNDS} rounds`)
  console.table({ 'run --simulate': row('cli'), 'without the command line': row('plain') })
  const ratios = rate('cli').map((with_, i) => (with_ / (rate('plain')[i] ?? NaN)).toFixed(2))
  const ratio = medianRatio(rate('cli'), rate('plain')).toFixed(2)
  console.log(`rows/s with / without: ${ratio}, the median of ${ratios.join(' ')}`)
}

function csv(): string {
  const rows = Array.from({ length: ROWS }, (_, i) => {
    return `${i},"A question about ${LABELS[i % 3] ?? ''}, number ${i}: I have asked before, what now?"\n`
  })
  return `id,text\n${rows.join('')}`
}
