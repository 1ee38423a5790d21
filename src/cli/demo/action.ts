import { readFileSync } from 'node:fs'
import type { Io } from '../io.ts'
import { loadEnvFile } from '../task/job.ts'
import { compare } from './compare.ts'
import type { DemoFlags } from './flags.ts'
import type { Labelled } from './labelled.ts'

/** The folder of the sample, which the package has too. */
const DATA = new URL('../../../examples/data/', import.meta.url)

/** Labels the sample. Returns the exit code. */
export async function demo(flags: DemoFlags, io: Io): Promise<number> {
  loadEnvFile(undefined, io)
  const read = (name: string) => readFileSync(new URL(name, DATA), 'utf8').trim()
  const records = read('tickets.jsonl')
    .split('\n')
    .map((line) => JSON.parse(line) as Labelled)
  return compare(
    { records, labels: read('labels.txt').split('\n'), instructions: read('prompt.md') },
    flags,
    io,
  )
}
