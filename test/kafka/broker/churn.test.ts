import { it } from 'vitest'
import { kafkaTests } from '../../helpers/kafka.ts'
import type { Worker } from '../../helpers/kafka-workers.ts'
import { random } from '../../helpers/random.ts'
import { churn, PARTITIONS, WORKERS } from './churn-job.ts'

/**
 * Whether the workers share all partitions, each worker has some, and no worker is about to end.
 */
const isSettled = (workers: readonly Worker[]) =>
  workers.every(({ child, partitions }) => !child.killed && partitions > 0) &&
  workers.reduce((sum, { partitions }) => sum + partitions, 0) === PARTITIONS

kafkaTests('workers that come and go', (cluster) => {
  // The soak does this with the other assignor too.
  it(`a kill, a join, a stop and a join, each when ${WORKERS} workers have met: each record has an outcome`, async () => {
    const load = { count: 1_000, perSecond: 100, disturbances: 4 }
    await churn(cluster, {
      ...{ assignor: 'cooperative-sticky', ...load },
      ...{ isDue: isSettled, random: random(1) },
    })
  })
})
