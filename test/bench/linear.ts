import { playSchedule } from '../helpers/schedule.ts'
import { collect, stringStream } from '../helpers/collect.ts'
import { collectGarbage } from '../helpers/garbage.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'
import { best, medianRatio } from './stats.ts'

const PACKS = [10, 25, 100, 400]
/** Number of records, each with its own key. */
const RECORDS_OF_PACKS = 50_000
const KEYS = [1, 100, 10_000, 100_000]
/** Number of records, in full packs of 10. The most keys have one pack each. */
const RECORDS_OF_KEYS = 1_000_000
const SCHEDULES = 10_000
const ROUNDS = 5

/** Microseconds of processor time for one record, through a stream whose model answers at once. */
async function perRecord(
  records: number,
  maxPackRecords: number,
  keyOf: (index: number) => string,
): Promise<number> {
  const client = scriptedClient(echo)
  // The log of requests would hold all of them.
  client.calls.push = () => 0
  const partition = (text: string): string => keyOf(Number(text))
  const stream = stringStream(client, { maxPackRecords, partition })
  collectGarbage()
  const before = process.cpuUsage()
  let received = 0
  stream.on('data', () => (received += 1))
  for (let i = 0; i < records; i++) {
    if (!stream.write(`${i}`)) await new Promise((resolve) => stream.once('drain', resolve))
  }
  await new Promise((resolve) => stream.once('end', resolve).end())
  if (received !== records) throw new Error(`${received} outcomes of ${records} records came`)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / records
}

/**
 * How fast the engine decides, and what one record costs by the size of packs and the number of
 * keys: each row beside the first of its kind.
 */
export async function linear(): Promise<void> {
  console.log(`\nlinear: ${schedulesPerSecond()} schedules of the engine a second of processor time`)

  await collect(
    stringStream(scriptedClient(echo)),
    Array.from({ length: 20_000 }, (_, i) => `${i}`),
  )
  console.log('\nlinear: processor time for one record, with a key for each record')
  await table(PACKS, 'records a pack', (size) => perRecord(RECORDS_OF_PACKS, size, (i) => `key ${i}`))

  console.log('\nlinear: processor time for one record, in full packs of 10')
  await table(KEYS, 'keys', (keys) => {
    return perRecord(RECORDS_OF_KEYS, 10, (i) => `key ${Math.floor(i / 10) % keys}`)
  })
}

/** The best of several rounds: the first rounds pay for the compiler. */
function schedulesPerSecond(): string {
  // Stack traces of the planned errors would cost more than the engine.
  Error.stackTraceLimit = 0
  const costs = Array.from({ length: ROUNDS }, (_, round) => {
    const before = process.cpuUsage()
    for (let i = 0; i < SCHEDULES; i++) playSchedule(round * SCHEDULES + i)
    const { user, system } = process.cpuUsage(before)
    return user + system
  })
  return Math.round((1e6 * SCHEDULES) / best(costs)).toLocaleString('en')
}

/**
 * Measures the rows in turn, several times. Prints the least cost of each row, because other
 * programs only add time, and the median of its ratios to the first row within a round.
 */
async function table(
  rows: readonly number[],
  unit: string,
  measure: (row: number) => Promise<number>,
): Promise<void> {
  const costs = rows.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, row] of rows.entries()) costs[i]?.push(await measure(row))
  }
  for (const [i, row] of rows.entries()) {
    const [own = [], first = []] = [costs[i], costs[0]]
    const ratio = medianRatio(own, first).toFixed(2)
    console.log(
      `${row.toLocaleString('en').padStart(8)} ${unit}: ${best(own).toFixed(1).padStart(6)} µs = ${ratio}`,
    )
  }
}
