import { test } from 'vitest'
import type { RecordingServer } from '../../helpers/recording-server.ts'
import { asTheyCome, inATable, inOrder, runKilled } from './killed.ts'

const RECORDS = 1_000

/**
 * The moment at which a run sends the request with this number. Earlier answers are written,
 * partly written, or on their way.
 */
const request = (number: number) => async (server: RecordingServer) => {
  for (let i = 0; i < number; i += 1) await server.nextRequest()
}

test.concurrent.each([asTheyCome, inATable, inOrder])(
  `killed at its 1st, 2nd, 5th and 9th request, each of ${RECORDS} records is in $out exactly once, $name`,
  async (job) => {
    await runKilled(job, RECORDS, [1, 2, 5, 9].map(request))
  },
)
