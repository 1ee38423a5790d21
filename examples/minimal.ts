// The program of the README labels messages and prints their labels.
import OpenAI from 'openai'
import { packAll } from 'llm-pack-stream'
import * as z from 'zod'

const messages = [
  { from: 'ada', text: 'Shipping takes forever. Where is my parcel?' },
  { from: 'ben', text: 'Three payments were taken for one order!' },
  { from: 'cy', text: 'How do returns work? The boots are too small.' },
]
const outcomes = await packAll(messages, {
  client: new OpenAI(), // reads OPENAI_API_KEY and OPENAI_BASE_URL
  model: process.env['OPENAI_MODEL'] ?? 'gpt-4o-mini',
  instructions: 'Label each customer message with the team that should answer it.',
  schema: z.object({ team: z.enum(['shipping', 'returns', 'payments']), urgent: z.boolean() }),
  serialize: (message) => message.text,
})
for (const outcome of outcomes) {
  if (outcome.status === 'fulfilled') console.log(outcome.record.from, outcome.value)
  else console.error(outcome.record.from, outcome.reason.code)
}
