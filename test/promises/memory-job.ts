// Run this with --expose-gc. It sends `--records` records through the stream, and prints the heap
// as JSON after each tenth of them.
import { PackStream } from 'llm-pack-stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { scriptedClient } from '../helpers/scripted-client.ts'

const { values } = parseArgs({
  options: { records: { type: 'string' }, 'preserve-order': { type: 'boolean', default: false } },
})
const count = Number(values.records)
const preserveOrder = values['preserve-order']

// The client does not keep its calls. One record in a thousand fails once, so that the job includes
// retries.
const client = scriptedClient(({ number, records }) => {
  client.calls.length = 0
  const elements = records
    .filter((_, i) => number % 40 !== 0 || i !== 0 || records.length === 1)
    .map(({ id, text }) => `{"id":${id},"value":"${text}"}`)
  return { text: ['{"results":[', elements.join(','), ']}'] }
})

const stream = new PackStream({
  ...{ client, model: 'm', instructions: '', schema: z.string(), maxInFlight: 8, preserveOrder },
  serialize: ({ n }: { n: number }) => `record ${n}`,
})

function* source() {
  for (let n = 0; n < count; n++) yield { n }
}

const heap: number[] = []
let outcomes = 0
await pipeline(Readable.from(source()), stream, async (emitted) => {
  for await (const outcome of emitted) {
    if (outcome.status !== 'fulfilled' || outcome.value !== `record ${outcome.record.n}`)
      throw new Error('wrong')
    if (preserveOrder && outcome.index !== outcomes) throw new Error('out of order')
    outcomes += 1
    if (outcomes % (count / 10) === 0) {
      globalThis.gc?.()
      heap.push(process.memoryUsage().heapUsed)
    }
  }
})
console.log(JSON.stringify({ outcomes, heap, retries: stream.stats.retries }))
