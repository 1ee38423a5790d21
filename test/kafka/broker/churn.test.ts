import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Ledger } from '../../helpers/kafka-ledger.ts'
import { kafkaTests, startCluster, type KafkaCluster } from '../../helpers/kafka.ts'
import { Worker } from '../../helpers/kafka-workers.ts'
import { random } from '../../helpers/random.ts'
import { startRecordingServer } from '../../helpers/recording-server.ts'

const RECORDS = 5_000
const PARTITIONS = 4
const WORKERS = 3
const WINDOW = 100
const seed = Number(process.env['CHURN_SEED'] ?? 1)

kafkaTests('workers that come and go', () => {
  let cluster: KafkaCluster

  beforeAll(() => {
    cluster = startCluster()
  })
  afterAll(() => cluster.stop())

  /** Topics of their own, and what a worker is to do with them. */
  async function jobOf(assignor: 'cooperative-sticky' | 'roundrobin', baseURL: string) {
    const [input = '', output = '', dead = '', groupId = ''] = ['in', 'out', 'dead', 'group'].map((name) =>
      cluster.newName(name),
    )
    await cluster.createTopic(input, PARTITIONS)
    await cluster.createTopic(output, PARTITIONS)
    await cluster.createTopic(dead, 1)
    const settings = {
      baseURL,
      kafka: {
        ...{ connection: { bootstrapBrokers: cluster.brokers }, groupId, assignor },
        ...{ topics: [input], outputTopic: output, deadLetterTopic: dead, maxUncommitted: WINDOW },
        // Each round of the mock's groups takes as long, but for a second; a real cluster allows no less than 6 s.
        ...{ sessionTimeout: cluster.isMock ? 4_000 : 6_000, heartbeatInterval: 500 },
      },
    }
    const ledger = new Ledger(cluster, { input, groupId, outputs: [output, dead] })
    return { ledger, settings, input, output, dead }
  }

  it.each([
    { assignor: 'cooperative-sticky', seconds: 60 },
    { assignor: 'roundrobin', seconds: 30 },
  ] as const)(
    `killed, stopped and joined by others at random moments for $seconds s, ${WORKERS} workers give each of ${RECORDS} records an outcome ($assignor)`,
    { timeout: 900_000 },
    async ({ assignor, seconds }) => {
      // So slow that there is something in flight all the time.
      await using server = await startRecordingServer({
        latency: { timeToFirstToken: 300, outputTokensPerSecond: 300, slowdown: 0 },
      })
      const { ledger, settings, input, output, dead } = await jobOf(assignor, server.baseURL)
      const records = Array.from({ length: RECORDS }, (_, i) => ({
        partition: i % PARTITIONS,
        value: i % 500 === 7 ? null : `record number ${i}`,
      }))
      const all: Worker[] = []
      const start = () => all.push(new Worker(settings))
      const running = () => all.filter(({ isRunning }) => isRunning)

      const next = random(seed)
      let [kills, stops, joins, atRisk] = [0, 0, 0, 0]
      const disturb = async () => {
        const workers = running()
        const worker = workers[Math.floor(next() * workers.length)]
        // One of each at least.
        const what = kills === 0 ? 0.5 : stops === 0 ? 0.9 : next()
        if (!worker || workers.length < WORKERS || (what < 0.25 && workers.length === WORKERS)) {
          joins += 1
          start()
        } else if (what < 0.65) {
          kills += 1
          const { partitions } = worker
          worker.child.kill('SIGKILL')
          await worker.ended
          // It may have said more than had been heard.
          atRisk += Math.max(partitions, worker.partitions) * WINDOW
        } else {
          stops += 1
          // The mock takes no commits while a group is in a round, which the stop may hit; a real cluster does.
          atRisk += worker.partitions * WINDOW
          worker.child.kill('SIGTERM')
        }
      }

      for (let i = 0; i < WORKERS; i += 1) start()
      const begin = Date.now()
      const end = begin + seconds * 1_000
      let produced = 0
      let nextDisturbance = begin + 5_000
      while (Date.now() < end) {
        const due = Math.min(RECORDS, Math.ceil((RECORDS * (Date.now() - begin)) / (end - begin)))
        await cluster.produce(input, records.slice(produced, due))
        produced = due
        if (Date.now() >= nextDisturbance) {
          await disturb()
          nextDisturbance = Date.now() + 1_000 + next() * 4_000
        }
        await ledger.check()
        await sleep(500)
      }
      await cluster.produce(input, records.slice(produced))
      while (running().length < WORKERS) start()
      while (!(await ledger.check())) await sleep(500)
      for (const worker of running()) worker.child.kill('SIGTERM')
      const ends = await Promise.all(all.map(({ ended }) => ended))
      await ledger.check()

      const killed = all.filter(({ child }) => child.signalCode === 'SIGKILL')
      const dropped = all.reduce((sum, { summary }) => sum + (summary?.dropped ?? 0), 0)
      const moved = all.reduce((sum, { uncommitted }) => sum + uncommitted, 0)
      const askedAgain = [...server.asked.values()].reduce((sum, times) => sum + times - 1, 0)
      console.log(
        `${assignor}, seed ${seed}: ${kills} kills, ${stops} stops, ${joins} joins in ${seconds} s, all done after ` +
          `${((Date.now() - begin) / 1_000).toFixed(0)} s, ${ledger.checks} snapshots; ${ledger.duplicates} duplicates, ` +
          `${askedAgain} records asked twice; at most ${atRisk} in the windows of the killed and stopped, ${moved} not committed as partitions ` +
          `moved, ${dropped} outcomes dropped`,
      )
      expect(ends.filter(({ code }) => code !== 0 && code !== null)).toEqual([])
      expect(ends.map(({ stderr }) => stderr).join('')).toBe('')
      expect(killed.length).toBe(kills)
      // Each record has an outcome, and where it belongs.
      expect(ledger.seen(output).size).toBe(RECORDS - RECORDS / 500)
      expect(ledger.seen(dead).size).toBe(RECORDS / 500)
      expect(server.asked.size).toBe(RECORDS - RECORDS / 500)
      // What is done twice was in a window of somebody that was killed or stopped, or not committed as a partition left.
      expect(ledger.duplicates).toBeLessThanOrEqual(atRisk + moved)
      expect(askedAgain).toBeLessThanOrEqual(atRisk + moved)
      // It was a test of something.
      expect(kills).toBeGreaterThan(0)
      expect(stops).toBeGreaterThan(0)
    },
  )

  it('a sole worker that is stopped by SIGTERM and started again repeats nothing', async () => {
    await using server = await startRecordingServer({
      latency: { timeToFirstToken: 200, outputTokensPerSecond: 500, slowdown: 0 },
    })
    const { ledger, settings, input, output } = await jobOf('cooperative-sticky', server.baseURL)
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
      // Where all has been asked before, the goal is reached before it has begun to listen.
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
