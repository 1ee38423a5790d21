import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { jsonl, messages, startCli, Workplace } from '../../helpers/cli.ts'
import { random } from '../../helpers/random.ts'
import { startRecordingServer } from '../../helpers/recording-server.ts'

const RECORDS = 5_000
/** The default. */
const MAX_IN_FLIGHT = 4
const seed = Number(process.env['KILL_SEED'] ?? 1)

interface Job {
  readonly name: string
  readonly out: string
  readonly kills: number
  readonly flags: readonly string[]
  /** Whether texts have line breaks, and every fiftieth row is broken. */
  readonly isHard: boolean
  /** Records that a kill may take besides those in flight. */
  readonly waiting: number
}

const jobs: Job[] = [
  { name: 'as they come', out: 'out.jsonl', kills: 50, flags: [], isHard: false, waiting: 0 },
  {
    name: 'in a table, with broken rows and line breaks',
    out: 'out.csv',
    kills: 25,
    flags: [],
    isHard: true,
    waiting: 0,
  },
  // What waits for an older one is in no file yet: at most the window, of twice what may be in flight and in reserve.
  {
    name: 'in order',
    out: 'out.jsonl',
    kills: 15,
    flags: ['--ordered'],
    isHard: true,
    waiting: 2 * (MAX_IN_FLIGHT + 2) * 20,
  },
]

test.each(jobs)(
  `killed $kills times at random moments, each of ${RECORDS} records is in $out exactly once, $name`,
  { timeout: 600_000 },
  async ({ out, kills, flags, isHard, waiting }) => {
    await using server = await startRecordingServer({
      latency: { timeToFirstToken: 15, outputTokensPerSecond: 4_000, slowdown: 0 },
    })
    const isBroken = (index: number) => isHard && index % 50 === 7
    const lines = messages(RECORDS).map(({ id, text }, i) =>
      isBroken(i) ? `broken ${i}\n` : jsonl([{ id, text: isHard ? `${text},\n"in two lines"` : text }]),
    )
    using place = new Workplace({ 'in.jsonl': lines.join('') })
    const env = { OPENAI_BASE_URL: server.baseURL }
    const args = [
      ...place.job(),
      '-o',
      out,
      '--rejects',
      'rejects.jsonl',
      '--max-pack-records',
      '20',
      ...flags,
    ]
    const next = random(seed)
    let [inFlight, requestsBefore] = [0, 0]
    for (let kill = 1; kill <= kills; kill += 1) {
      const asking = server.nextRequest()
      const { child, ended } = startCli(args, { cwd: place.path, env })
      await asking
      await sleep(next() * 300)
      child.kill('SIGKILL')
      expect((await ended).stderr).toBe('')
      // The last ones may have been on their way to the server.
      await sleep(20)
      // To the one that was killed: an answer may have been sent to the end, and not been read. But the request that is as
      // many before the last as may run at once had been seen to, or the last would not have been sent.
      const own = server.requests.slice(requestsBefore)
      for (const { records } of own.slice(-MAX_IN_FLIGHT)) inFlight += records.length
      requestsBefore = server.requests.length
    }
    const askedBefore = server.asked.size
    expect((await place.run(args, { env })).code).toBe(isHard ? 1 : 0)

    const rows = out === 'out.jsonl' ? place.rows(out) : csvRows(place.read(out))
    const indexes = rows.map(({ _index }) => Number(_index))
    const all = [...Array(RECORDS).keys()]
    expect(flags.includes('--ordered') ? indexes : indexes.sort((a, b) => a - b)).toEqual(all)
    for (const row of rows.filter(({ _index }) => !isBroken(Number(_index)))) {
      expect(row['id']).toBe(`id-${String(row['_index'])}`)
      expect(['shipping', 'returns', 'payments'][Number(row['_index']) % 3]).toBe(row['label'])
    }
    const rejected = place.rows('rejects.jsonl').map(({ _index, _raw }) => [_index, _raw])
    const broken = all.filter(isBroken)
    expect(rejected.sort(([a], [b]) => Number(a) - Number(b))).toEqual(broken.map((i) => [i, `broken ${i}`]))

    const askedAgain = [...server.asked.values()].reduce((sum, times) => sum + times - 1, 0)
    console.log(
      `${out} ${flags.join(' ')}, seed ${seed}: ${askedBefore} records asked before the last run; ` +
        `${askedAgain} asked twice, ${inFlight} were in flight at the ${kills} kills`,
    )
    expect(server.asked.size).toBe(RECORDS - broken.length)
    expect(askedAgain).toBeLessThanOrEqual(inFlight + kills * waiting)
    // Kills came while requests ran, and most runs got somewhere.
    expect(inFlight).toBeGreaterThan(kills)
    expect(askedBefore).toBeGreaterThan(RECORDS / 20)
  },
)

function csvRows(text: string): Record<string, unknown>[] {
  return parse(text, { columns: true })
}
