import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { random } from '../../helpers/random.ts'
import type { RecordingServer } from '../../helpers/recording-server.ts'
import { asTheyCome, inATable, inOrder, inOtherFormats, runKilled } from './killed.ts'

/** Largest time from the next request to a kill, in ms. */
const SOON_MS = 300
/**
 * More records than any machine settles between two kills, which is at most 160 on average: four
 * requests of 20 records take 60 ms or more. So each kill meets a run that is not done.
 */
const RECORDS_PER_KILL = 300
const seed = Number(process.env['KILL_SEED'] ?? 1)

test.each(
  [
    { ...asTheyCome, kills: 50 },
    { ...inATable, kills: 25 },
    { ...inOrder, kills: 15 },
    ...inOtherFormats.map((job) => ({ ...job, kills: 12 })),
  ].map((job) => ({ ...job, records: RECORDS_PER_KILL * job.kills })),
)(
  `killed $kills times at random moments (seed ${seed}), each of $records records is in $out exactly once, $name`,
  async ({ kills, records, ...job }) => {
    const next = random(seed)
    const soon = async (server: RecordingServer) => {
      await server.nextRequest()
      await sleep(next() * SOON_MS)
    }
    await runKilled(job, records, Array<typeof soon>(kills).fill(soon))
  },
)
