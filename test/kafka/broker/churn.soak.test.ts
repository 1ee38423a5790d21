import { it } from 'vitest'
import { kafkaTests } from '../../helpers/kafka.ts'
import { random } from '../../helpers/random.ts'
import { churn, WORKERS } from './churn-job.ts'

const RECORDS = 5_000
const seed = Number(process.env['CHURN_SEED'] ?? 1)

kafkaTests('workers that come and go', (cluster) => {
  it.each([
    { assignor: 'cooperative-sticky', perSecond: 80, disturbances: 18 },
    { assignor: 'roundrobin', perSecond: 160, disturbances: 9 },
  ] as const)(
    `$disturbances times killed, stopped and joined by others at random moments (seed ${seed}), ${WORKERS} workers give each of ${RECORDS} records an outcome ($assignor)`,
    async ({ assignor, perSecond, disturbances }) => {
      const next = random(seed)
      let due = Date.now() + 5_000
      const isDue = () => {
        if (Date.now() < due) return false
        due = Date.now() + 1_000 + next() * 4_000
        return true
      }
      await churn(cluster, { assignor, count: RECORDS, perSecond, disturbances, isDue, random: next })
    },
  )
})
