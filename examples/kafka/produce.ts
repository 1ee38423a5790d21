// Produces the sample tickets again and again until Ctrl-C, 50 tickets a second or the number that
// it gets as its argument. See worker.ts.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { brokers, partitions, Screen } from './cluster.ts'

const [rate = '50'] = process.argv.slice(2)
if (!(Number(rate) > 0)) {
  console.error('Usage: examples/kafka/produce.ts [tickets a second, default 50]')
  process.exit(2)
}
const lines = readFileSync(new URL('../data/tickets.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
// The worker has to find the label.
const tickets = lines.map((line) => {
  const { id, text } = JSON.parse(line) as { id: string; text: string }
  return { topic: 'tickets', key: id, value: JSON.stringify({ id, text }) }
})

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping.abort()
  })
}
const screen = new Screen()
const client = { clientId: 'example', bootstrapBrokers: brokers }
const admin = new Admin(client)
const producer = new Producer({ ...client, serializers: stringSerializers })
try {
  await createTopics()
  screen.say(`Produces ${rate} tickets a second to ${brokers.join()}. Ctrl-C ends it.`)
  screen.say(`Produced ${(await produce()).toLocaleString('en')} tickets.`)
} catch (error) {
  screen.fail(
    error,
    `Is there a Kafka at ${brokers.join()}? See examples/kafka/worker.ts for how to get one.`,
  )
} finally {
  await Promise.all([admin.close(), producer.close()])
}

async function createTopics(): Promise<void> {
  const present = await admin.listTopics()
  const missing = Object.entries(partitions).filter(([topic]) => !present.includes(topic))
  // Not every cluster allows a client to create topics, so it asks only if a topic is missing.
  if (missing.length === 0) return
  await admin.createTopics({ topics: missing.map(([topic, count]) => ({ topic, partitions: count })) })
  screen.say(`Created ${missing.map(([topic]) => topic).join(', ')}.`)
}

async function produce(): Promise<number> {
  const start = performance.now()
  let produced = 0
  while (!stopping.signal.aborted) {
    const due = Math.floor(((performance.now() - start) / 1_000) * Number(rate))
    const messages = Array.from(
      { length: due - produced },
      (_, i) => tickets[(produced + i) % tickets.length],
    )
    const some = messages.filter((message) => message !== undefined)
    if (some.length > 0) await producer.send({ messages: some, acks: ProduceAcks.ALL })
    produced += some.length
    screen.update(`${produced.toLocaleString('en')} tickets`)
    await sleep(100, undefined, stopping).catch(() => undefined)
  }
  return produced
}
