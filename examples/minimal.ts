// The program of the README labels messages, each as soon as the model has written its label.
import { pipeline } from 'node:stream/promises'
import OpenAI from 'openai'
import { PackStream } from 'llm-pack-stream'
import * as z from 'zod'

const labels = new PackStream({
  client: new OpenAI(), // reads OPENAI_API_KEY and OPENAI_BASE_URL
  model: process.env['OPENAI_MODEL'] ?? 'gpt-4o-mini',
  instructions: 'Label each customer message with the team that should answer it.',
  schema: z.object({ team: z.enum(['shipping', 'returns', 'payments']), urgent: z.boolean() }),
  serialize: (message: { from: string; text: string }) => message.text,
})

const messages = [
  { from: 'ada', text: 'Shipping takes forever. Where is my parcel?' },
  { from: 'ben', text: 'Three payments were taken for one order!' },
  { from: 'cy', text: 'How do returns work? The boots are too small.' },
]
await pipeline(messages, labels, async (outcomes) => {
  for await (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') console.log(outcome.record.from, outcome.value)
    else console.error(outcome.record.from, outcome.reason.code)
  }
})
console.log(labels.stats.records)
