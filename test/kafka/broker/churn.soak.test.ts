import { expect, it } from 'vitest'
import { kafkaTests } from '../../helpers/kafka.ts'
import { Worker } from '../../helpers/kafka-workers.ts'
import { random } from '../../helpers/random.ts'
import { startRecordingServer } from '../../helpers/recording-server.ts'
import { churn, churnJob, PARTITIONS, WORKERS } from './churn-job.ts'

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

  it('a single worker that is stopped by SIGTERM and started again repeats no record', async () => {
    await using server = await startRecordingServer({
      latency: { timeToFirstToken: 200, outputTokensPerSecond: 500, slowdown: 0 },
    })
    const { ledger, settings, input, output } = await churnJob(cluster, 'cooperative-sticky', server.baseURL)
    const count = 1_000
    await cluster.produce(
      input,
      Array.from({ length: count }, (_, i) => ({ partition: i % PARTITIONS, value: `record number ${i}` })),
    )
    let stops = 0
    for (; ; stops += 1) {
      const worker = new Worker(settings)
      const goal = Math.min(count, server.asked.size + 300)
      await expect.poll(() => server.asked.size).toBeGreaterThanOrEqual(goal)
      if (goal === count) await expect.poll(() => ledger.check()).toBe(true)
      // If all records were sent before, the goal is reached before the listening begins.
      await expect.poll(() => worker.partitions).toBe(PARTITIONS)
      worker.child.kill('SIGTERM')
      expect(await worker.ended).toMatchObject({ code: 0, stderr: '' })
      if (goal === count) break
    }
    await ledger.check()
    console.log(`stopped ${stops} times while at work: ${ledger.duplicates} duplicates of ${count}`)
    expect(stops).toBeGreaterThan(1)
    expect(ledger.seen(output).size).toBe(count)
    expect(ledger.duplicates).toBe(0)
    expect([...server.asked.values()].filter((times) => times !== 1)).toEqual([])
  })
})
