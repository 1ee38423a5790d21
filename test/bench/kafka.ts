/**
 * Measures the gain of more workers: 1, 2 and 3 workers of a consumer group process the same
 * records with the same simulated latency, each in its own process. They wait for the model, and
 * not for the cores of the machine.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaCluster } from '../helpers/kafka.ts'
import { Worker } from '../helpers/kafka-workers.ts'
import { noBroker } from '../helpers/require-kafka.ts'
import { startSimulatorProcess } from '../helpers/simulator-process.ts'

const PARTITIONS = 6
/**
 * The numbers of partitions and of packs, with four in flight, are divisible by each number of
 * workers, so the last round is full.
 */
const RECORDS = 480
const PACK = 10
const LATENCY = { timeToFirstToken: 300, outputTokensPerSecond: 80, slowdown: 0 }
const WORKERS = [1, 2, 3]

/** Time from the first record to the last outcome. All members have joined before. */
async function recordsPerSecond(cluster: KafkaCluster, baseURL: string, count: number): Promise<number> {
  const input = cluster.newName('in')
  const output = cluster.newName('out')
  const dead = cluster.newName('dead')
  await cluster.createTopic(input, PARTITIONS)
  await cluster.createTopic(output, PARTITIONS)
  await cluster.createTopic(dead, 1)
  const kafka = {
    ...{ connection: { bootstrapBrokers: cluster.brokers }, groupId: cluster.newName('group') },
    ...{ topics: [input], outputTopic: output, deadLetterTopic: dead },
    // Session timeout in ms. The rebalances of the mock cluster take this time minus 1 s. A real
    // cluster allows no value below 6 s.
    ...{ sessionTimeout: cluster.isMock ? 4_000 : 6_000 },
  }
  const workers = Array.from({ length: count }, () => new Worker({ baseURL, maxPackRecords: PACK, kafka }))
  try {
    while (!workers.every(({ partitions }) => partitions === PARTITIONS / count)) {
      await sleep(100)
      if (workers.some(({ isRunning }) => !isRunning)) throw new Error('A worker has ended.')
    }
    const records = Array.from({ length: RECORDS }, (_, i) => ({
      partition: i % PARTITIONS,
      value: `record number ${i}`,
    }))
    const start = performance.now()
    await cluster.produce(input, records)
    while ((await cluster.endOffsets(output)).reduce((sum, end) => sum + end, 0n) < RECORDS) await sleep(20)
    return RECORDS / ((performance.now() - start) / 1_000)
  } finally {
    // No other member of their group exists, and with the mock cluster it takes seconds to leave.
    for (const { child } of workers) child.kill('SIGKILL')
    await Promise.all(workers.map(({ ended }) => ended))
  }
}

export async function kafka(): Promise<void> {
  if (noBroker !== undefined) {
    console.log(
      `kafka: did not run (${noBroker}): apt-get install librdkafka1, or KAFKA_BROKERS=host:port for a real cluster`,
    )
    return
  }
  const cluster = new KafkaCluster()
  const simulator = await startSimulatorProcess({ latency: LATENCY })
  console.log(
    `kafka: ${RECORDS} records in ${PARTITIONS} partitions, packs of ${PACK}, ${LATENCY.timeToFirstToken} ms to the first ` +
      `token, ${LATENCY.outputTokensPerSecond} tokens/s`,
  )
  const rates: number[] = []
  for (const count of WORKERS) rates.push(await recordsPerSecond(cluster, simulator.baseURL, count))
  await simulator.stop()
  await cluster.stop()
  const ratio = (rate: number) => (rate / (rates[0] ?? NaN)).toFixed(2)
  console.table(
    Object.fromEntries(
      rates.map((rate, i) => [
        `${WORKERS[i]} worker${i === 0 ? '' : 's'}`,
        { 'records/s': rate.toFixed(1), 'to one worker': ratio(rate) },
      ]),
    ),
  )
  console.log(`records/s with 3 workers / with 1: ${ratio(rates.at(-1) ?? NaN)}`)
}
