import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { jsonl, messages, startCli, Workplace } from '../helpers/cli.ts'
import { startRecordingServer } from '../helpers/recording-server.ts'

const RECORDS = 5_000
const KILLS = 50
const seed = Number(process.env['KILL_SEED'] ?? 1)

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

test.each(['out.jsonl', 'out.csv'])(
  `killed ${KILLS} times at random moments, each of ${RECORDS} records is in %s exactly once`,
  { timeout: 600_000 },
  async (out) => {
    await using server = await startRecordingServer({
      latency: { timeToFirstToken: 15, outputTokensPerSecond: 4_000, slowdown: 0 },
    })
    using place = new Workplace({ 'in.jsonl': jsonl(messages(RECORDS)) })
    const env = { OPENAI_BASE_URL: server.baseURL }
    const args = [...place.job(), '-o', out, '--rejects', 'rejects.jsonl', '--max-pack-records', '20']
    const next = random(seed)
    let inFlight = 0
    let requestsBefore = 0
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const asking = server.nextRequest()
      const { child, ended } = startCli(args, { cwd: place.path, env })
      await asking
      await sleep(next() * 300)
      const killedAt = performance.now()
      child.kill('SIGKILL')
      expect((await ended).stderr).toBe('')
      // The last ones may have been on their way to the server, or back.
      await sleep(20)
      for (const { records, endedAt } of server.requests.slice(requestsBefore)) {
        if (endedAt > killedAt) inFlight += records.length
      }
      requestsBefore = server.requests.length
    }
    const askedBefore = server.asked.size
    expect(await place.run(args, { env })).toEqual({ code: 0, stdout: '', stderr: '' })

    const rows = out === 'out.jsonl' ? place.rows(out) : csvRows(place.read(out))
    expect(rows.map(({ _index }) => Number(_index)).sort((a, b) => a - b)).toEqual([...Array(RECORDS).keys()])
    for (const row of rows) expect(row['id']).toBe(`id-${String(row['_index'])}`)
    const askedAgain = [...server.asked.values()].reduce((sum, times) => sum + times - 1, 0)
    console.log(
      `${out}, seed ${seed}: ${askedBefore} of ${RECORDS} records asked before the last run; ` +
        `${askedAgain} asked twice, ${inFlight} were in flight at the ${KILLS} kills`,
    )
    expect(server.asked.size).toBe(RECORDS)
    expect(askedAgain).toBeLessThanOrEqual(inFlight)
    // Kills came while requests ran, and most runs got somewhere.
    expect(inFlight).toBeGreaterThan(KILLS)
    expect(askedBefore).toBeGreaterThan(RECORDS / 10)
  },
)

function csvRows(text: string): Record<string, unknown>[] {
  const [header = '', ...lines] = text.trimEnd().split('\n')
  const names = header.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i] ?? '', cell])))
}
