import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { random } from '../../helpers/random.ts'
import type { RecordingServer } from '../../helpers/recording-server.ts'
import { asTheyCome, inATable, inOrder, inOtherFormats, runKilled } from './killed.ts'

const RECORDS = 5_000
const seed = Number(process.env['KILL_SEED'] ?? 1)

test.each([
  { ...asTheyCome, kills: 50 },
  { ...inATable, kills: 25 },
  { ...inOrder, kills: 15 },
  ...inOtherFormats.map((job) => ({ ...job, kills: 12 })),
])(
  `killed $kills times at random moments (seed ${seed}), each of ${RECORDS} records is in $out exactly once, $name`,
  async ({ kills, ...job }) => {
    const next = random(seed)
    const soon = async (server: RecordingServer) => {
      await server.nextRequest()
      await sleep(next() * 300)
    }
    await runKilled(job, RECORDS, Array<typeof soon>(kills).fill(soon))
  },
)
