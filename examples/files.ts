// npx node examples/files.ts tickets.jsonl labels.jsonl
//
// Labels the records of a file, in bounded memory for a file of any length.
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import OpenAI from 'openai'
import { PackStream } from 'llm-pack-stream'
import { readJsonl, writeOutcomes } from 'llm-pack-stream/readers'
import * as z from 'zod'

const [input = 'tickets.jsonl', output = 'labels.jsonl'] = process.argv.slice(2)

const labels = new PackStream({
  client: new OpenAI(),
  model: process.env['OPENAI_MODEL'] ?? 'gpt-4o-mini',
  instructions: 'Say what the customer wants.',
  schema: z.object({ wish: z.enum(['refund', 'delivery', 'advice', 'something else']) }),
  serialize: (ticket: { text: string }) => ticket.text,
  preserveOrder: true,
})

await pipeline(
  createReadStream(input),
  readJsonl({ file: input }),
  labels,
  writeOutcomes(),
  createWriteStream(output),
)
