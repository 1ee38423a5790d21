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

/** The topics of a job, and the settings of its workers. */
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
      // Session timeout in ms. A rebalance of the mock cluster takes this time minus 1 s. A real
      // cluster allows no value below 6 s.
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
  /** Number of kills, stops and starts: at least one of each. */
  readonly disturbances: number
  /** Whether the next disturbance should begin. */
  readonly isDue: (workers: readonly Worker[]) => boolean
  /** Returns numbers from 0 to 1. They choose the worker and the disturbance. */
  readonly random: () => number
}

/**
 * Lets workers come and go while records are produced. Checks that each record has an outcome in
 * the right topic.
 */
export async function churn(
  cluster: KafkaCluster,
  { assignor, count, perSecond, disturbances, isDue, random }: Churn,
): Promise<void> {
  // A slow model, so that some records are always in flight.
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
    // At least one of each.
    const what = kills === 0 ? 0.5 : stops === 0 ? 0.9 : random()
    if (!worker || workers.length < WORKERS || (what < 0.25 && workers.length === WORKERS)) {
      joins += 1
      start()
    } else if (what < 0.65) {
      kills += 1
      const { partitions } = worker
      worker.child.kill('SIGKILL')
      await worker.ended
      // The worker may have reported more events than have arrived.
      atRisk += Math.max(partitions, worker.partitions) * WINDOW
    } else {
      stops += 1
      // The mock cluster refuses commits during a rebalance, and a stop may happen then. A real
      // cluster accepts them.
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
  // Each record has an outcome in the right topic.
  const tombstones = records.filter(({ value }) => value === null).length
  expect(ledger.seen(output).size).toBe(count - tombstones)
  expect(ledger.seen(dead).size).toBe(tombstones)
  expect(server.asked.size).toBe(count - tombstones)
  // A repeated record was in the window of a worker that was killed or stopped, or was not
  // committed when its partition left.
  expect(ledger.duplicates).toBeLessThanOrEqual(atRisk + moved)
  expect(askedAgain).toBeLessThanOrEqual(atRisk + moved)
  // The run tested some disturbances.
  expect(kills).toBeGreaterThan(0)
  expect(stops).toBeGreaterThan(0)
}
