import { playSchedule } from '../helpers/schedule.ts'
import { collect, stringStream } from '../helpers/collect.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'

/** Records with a key each, in the first rows. Ten for each key, in the last. */
const RECORDS = 50_000
const PACKS = [10, 25, 100, 400]
const KEYS = [1, 100, 10_000, 100_000]
const SCHEDULES = 20_000
const ROUNDS = 3

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
 * What one record costs, by the size of packs and the number of keys: each row beside the first of
 * its kind.
 */
export async function linear(): Promise<void> {
  await collect(
    stringStream(scriptedClient(echo)),
    Array.from({ length: 20_000 }, (_, i) => `${i}`),
  )

  console.log('\nlinear: processor time for one record, with a key for each record')
  await table(PACKS, 'records a pack', (size) => perRecord(RECORDS, size, (i) => `key ${i}`))

  console.log('\nlinear: processor time for one record, in full packs of 10')
  await table(KEYS, 'keys', (keys) => {
    return perRecord(Math.max(4 * RECORDS, 10 * keys), 10, (i) => `key ${Math.floor(i / 10) % keys}`)
  })

  Error.stackTraceLimit = 0
  for (let seed = 0; seed < SCHEDULES / 4; seed++) playSchedule(seed)
  const before = process.cpuUsage()
  for (let seed = 0; seed < SCHEDULES; seed++) playSchedule(seed)
  const { user, system } = process.cpuUsage(before)
  const perSecond = (1e6 * SCHEDULES) / (user + system)
  console.log(
    `\nlinear: ${Math.round(perSecond).toLocaleString('en')} schedules of the engine a second of processor time`,
  )
}

/**
 * Measures the rows in turn, several times, and takes the best of each: other programs only add
 * time.
 */
async function table(
  rows: readonly number[],
  unit: string,
  measure: (row: number) => Promise<number>,
): Promise<void> {
  const best = rows.map(() => Infinity)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, row] of rows.entries()) best[i] = Math.min(best[i] ?? Infinity, await measure(row))
  }
  for (const [i, row] of rows.entries()) {
    const ratio = ((best[i] ?? 0) / (best[0] ?? 1)).toFixed(2)
    const cost = best[i]?.toFixed(1).padStart(6)
    console.log(`${row.toLocaleString('en').padStart(8)} ${unit}: ${cost} µs = ${ratio}`)
  }
}
