import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { Ledger } from '../../helpers/kafka-ledger.ts'
import type { KafkaCluster } from '../../helpers/kafka.ts'
import { Worker } from '../../helpers/kafka-workers.ts'
import { startRecordingServer } from '../../helpers/recording-server.ts'

export const PARTITIONS = 4
export const WORKERS = 3
const WINDOW = 100
const STEP_MS = 500

/** Topics of their own, and what a worker is to do with them. */
export async function churnJob(
  cluster: KafkaCluster,
  assignor: 'cooperative-sticky' | 'roundrobin',
  baseURL: string,
) {
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

export interface Churn {
  readonly assignor: 'cooperative-sticky' | 'roundrobin'
  readonly count: number
  readonly perSecond: number
  /** How often a worker is killed, stopped or started: at least once each. */
  readonly disturbances: number
  /** Whether the next disturbance is due. */
  readonly isDue: (workers: readonly Worker[]) => boolean
  /** Numbers from 0 to 1, which decide who is disturbed and how. */
  readonly random: () => number
}

/** Lets workers come and go while records are produced, and checks that each record has an outcome, where it belongs. */
export async function churn(
  cluster: KafkaCluster,
  { assignor, count, perSecond, disturbances, isDue, random }: Churn,
): Promise<void> {
  // So slow that there is something in flight all the time.
  await using server = await startRecordingServer({
    latency: { timeToFirstToken: 300, outputTokensPerSecond: 300, slowdown: 0 },
  })
  const { ledger, settings, input, output, dead } = await churnJob(cluster, assignor, server.baseURL)
  const records = Array.from({ length: count }, (_, i) => ({
    partition: i % PARTITIONS,
    value: i % 500 === 7 ? null : `record number ${i}`,
  }))
  const all: Worker[] = []
  const start = () => all.push(new Worker(settings))
  const running = () => all.filter(({ isRunning }) => isRunning)

  let [kills, stops, joins, atRisk] = [0, 0, 0, 0]
  const disturb = async () => {
    const workers = running()
    const worker = workers[Math.floor(random() * workers.length)]
    // One of each at least.
    const what = kills === 0 ? 0.5 : stops === 0 ? 0.9 : random()
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
  const step = Math.ceil((perSecond * STEP_MS) / 1_000)
  for (let produced = 0; produced < count || kills + stops + joins < disturbances; produced += step) {
    await cluster.produce(input, records.slice(produced, produced + step))
    if (kills + stops + joins < disturbances && isDue(running())) await disturb()
    await ledger.check()
    await sleep(STEP_MS)
  }
  while (running().length < WORKERS) start()
  while (!(await ledger.check())) await sleep(STEP_MS)
  for (const worker of running()) worker.child.kill('SIGTERM')
  const ends = await Promise.all(all.map(({ ended }) => ended))
  await ledger.check()

  const killed = all.filter(({ child }) => child.signalCode === 'SIGKILL')
  const dropped = all.reduce((sum, { summary }) => sum + (summary?.dropped ?? 0), 0)
  const moved = all.reduce((sum, { uncommitted }) => sum + uncommitted, 0)
  const askedAgain = [...server.asked.values()].reduce((sum, times) => sum + times - 1, 0)
  console.log(
    `${assignor}: ${kills} kills, ${stops} stops, ${joins} joins, all done after ` +
      `${((Date.now() - begin) / 1_000).toFixed(0)} s, ${ledger.checks} snapshots; ${ledger.duplicates} duplicates, ` +
      `${askedAgain} records asked twice; at most ${atRisk} in the windows of the killed and stopped, ${moved} not committed as partitions ` +
      `moved, ${dropped} outcomes dropped`,
  )
  expect(ends.filter(({ code }) => code !== 0 && code !== null)).toEqual([])
  expect(ends.map(({ stderr }) => stderr).join('')).toBe('')
  expect(killed.length).toBe(kills)
  // Each record has an outcome, and where it belongs.
  const tombstones = records.filter(({ value }) => value === null).length
  expect(ledger.seen(output).size).toBe(count - tombstones)
  expect(ledger.seen(dead).size).toBe(tombstones)
  expect(server.asked.size).toBe(count - tombstones)
  // What is done twice was in a window of somebody that was killed or stopped, or not committed as a partition left.
  expect(ledger.duplicates).toBeLessThanOrEqual(atRisk + moved)
  expect(askedAgain).toBeLessThanOrEqual(atRisk + moved)
  // It was a test of something.
  expect(kills).toBeGreaterThan(0)
  expect(stops).toBeGreaterThan(0)
}
