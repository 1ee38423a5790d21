// cli.ts runs this program. It does the work of `run --simulate` in the way of a user of the
// library and csv-parse.
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { PackStream } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import OpenAI from 'openai'
import * as z from 'zod'

const [input = '', output = '', prompt = '', labels = ''] = process.argv.slice(2)
await using simulator = await startSimulator({
  latency: {
    ...{ timeToFirstToken: 0, slowdown: 0 },
    ...{ promptTokensPerSecond: Infinity, outputTokensPerSecond: Infinity },
  },
})
const stream = new PackStream({
  client: new OpenAI({ baseURL: simulator.baseURL, apiKey: 'simulator' }),
  model: 'm',
  instructions: prompt,
  schema: z.object({ label: z.enum(labels.split(',')) }),
  serialize: ({ text }: { text: string }) => text,
})
await pipeline(
  createReadStream(input),
  parse({ columns: true }),
  stream,
  async function* (outcomes) {
    for await (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason
      yield `${JSON.stringify({ ...outcome.record, ...outcome.value, _index: outcome.index })}\n`
    }
  },
  createWriteStream(output),
)
