import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { expect } from 'vitest'
import { jsonl, messages, parseLines, startCli, Workplace } from '../../helpers/cli.ts'
import { startRecordingServer, type RecordingServer } from '../../helpers/recording-server.ts'

/** The default of `--max-in-flight`. */
const MAX_IN_FLIGHT = 4
const MAX_PACK_RECORDS = 20

export interface KillJob {
  readonly name: string
  readonly out: string
  readonly flags: readonly string[]
  /** Whether texts have line breaks, and each 50th row is broken. */
  readonly isHard: boolean
  /** Number of records that a kill may make a run ask again, besides the records in flight. */
  readonly waiting: number
}

export const asTheyCome: KillJob = {
  ...{ name: 'as they come', out: 'out.jsonl', flags: [], isHard: false, waiting: 0 },
}
export const inATable: KillJob = {
  ...{ name: 'in a table, with broken rows and line breaks', out: 'out.csv', flags: [] },
  ...{ isHard: true, waiting: 0 },
}
/** The same in each other format of an output. */
export const inOtherFormats: readonly KillJob[] = ['out.tsv', 'out.json', 'out.parquet'].map((out) => ({
  ...{ ...inATable, name: 'in another format, with broken rows and line breaks', out },
}))
export const inOrder: KillJob = {
  ...{ name: 'in order', out: 'out.jsonl', flags: ['--ordered'], isHard: true },
  // A record that waits for an older record is in no file yet. The window limits their number: it
  // is twice the records in flight and in reserve.
  waiting: 2 * (MAX_IN_FLIGHT + 2) * MAX_PACK_RECORDS,
}

/**
 * Starts the same run again and again, and kills each run at its moment. Lets the last run end.
 * Checks that each record is in the output once, and that only records in flight at a kill were
 * asked twice.
 */
export async function runKilled(
  { out, flags, isHard, waiting }: KillJob,
  count: number,
  moments: readonly ((server: RecordingServer) => Promise<void>)[],
): Promise<void> {
  await using server = await startRecordingServer({
    latency: { timeToFirstToken: 15, outputTokensPerSecond: 4_000, slowdown: 0 },
  })
  const isBroken = (index: number) => isHard && index % 50 === 7
  const lines = messages(count).map(({ id, text }, i) =>
    isBroken(i) ? `broken ${i}\n` : jsonl([{ id, text: isHard ? `${text},\n"in two lines"` : text }]),
  )
  using place = new Workplace({ 'in.jsonl': lines.join('') })
  const env = { OPENAI_BASE_URL: server.baseURL }
  const files = ['-o', out, '--rejects', 'rejects.jsonl']
  const args = [...place.job(), ...files, '--quiet', '--max-pack-records', String(MAX_PACK_RECORDS), ...flags]
  let [inFlight, requestsBefore] = [0, 0]
  for (const moment of moments) {
    const comes = moment(server)
    const { child, ended } = startCli(args, { cwd: place.path, env })
    await comes
    child.kill('SIGKILL')
    expect((await ended).stderr).toBe('')
    // The last requests may still be on their way to the server.
    await server.allGone()
    // The server may have sent a whole answer that the killed run did not read. But the run had
    // finished the request that is MAX_IN_FLIGHT before its last request. Otherwise it would not
    // have sent the last request.
    const own = server.requests.slice(requestsBefore)
    for (const { records } of own.slice(-MAX_IN_FLIGHT)) inFlight += records.length
    requestsBefore = server.requests.length
  }
  const askedBefore = server.asked.size
  expect((await place.run(args, { env })).code).toBe(isHard ? 1 : 0)

  const rows = (await readers[extname(out)]?.(join(place.path, out))) ?? []
  const indexes = rows.map(({ _index }) => Number(_index))
  const all = [...Array(count).keys()]
  expect(flags.includes('--ordered') ? indexes : indexes.sort((a, b) => a - b)).toEqual(all)
  for (const row of rows.filter(({ _index }) => !isBroken(Number(_index)))) {
    expect(row['id']).toBe(`id-${String(row['_index'])}`)
    expect(['shipping', 'returns', 'payments'][Number(row['_index']) % 3]).toBe(row['label'])
  }
  const rejected = place.rows('rejects.jsonl').map(({ _index, _raw }) => [_index, _raw])
  const broken = all.filter(isBroken)
  expect(rejected.sort(([a], [b]) => Number(a) - Number(b))).toEqual(broken.map((i) => [i, `broken ${i}`]))

  const kills = moments.length
  const askedAgain = [...server.asked.values()].reduce((sum, times) => sum + times - 1, 0)
  console.log(
    `${out} ${flags.join(' ')}: ${askedBefore} records asked before the last run; ` +
      `${askedAgain} asked twice, ${inFlight} were in flight at the ${kills} kills`,
  )
  expect(server.asked.size).toBe(count - broken.length)
  expect(askedAgain).toBeLessThanOrEqual(inFlight + kills * waiting)
  // Kills came while requests ran, and most runs made progress.
  expect(inFlight).toBeGreaterThan(kills)
  expect(askedBefore).toBeGreaterThan(kills)
}

type Rows = Record<string, unknown>[]
const readText =
  (parseText: (text: string) => Rows) =>
  (file: string): Rows =>
    parseText(readFileSync(file, 'utf8'))

/** The rows of an output, by the end of its name. */
const readers: Readonly<Record<string, (file: string) => Rows | Promise<Rows>>> = {
  '.jsonl': readText(parseLines),
  '.csv': readText((text) => parse(text, { columns: true })),
  '.tsv': readText((text) => parse(text, { columns: true, delimiter: '\t' })),
  '.json': readText((text) => JSON.parse(text) as Rows),
  '.parquet': async (file) => parquetReadObjects({ file: await asyncBufferFromFile(file) }),
}
