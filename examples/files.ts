// npx node examples/files.ts tickets.jsonl labels.jsonl: from a file to a file, in bounded memory, whatever its length.
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import OpenAI from 'openai'
import { PackStream } from 'llm-pack-stream'
import * as z from 'zod'

const [input = 'tickets.jsonl', output = 'labels.jsonl'] = process.argv.slice(2)

async function* tickets() {
  let number = 0
  for await (const line of createInterface({ input: createReadStream(input) })) {
    number += 1
    if (line.trim() === '') continue
    try {
      yield JSON.parse(line) as { id: string; text: string }
    } catch (cause) {
      throw new Error(`${input}:${number}: expected a JSON object`, { cause })
    }
  }
}

const labels = new PackStream({
  client: new OpenAI(),
  model: process.env['OPENAI_MODEL'] ?? 'gpt-4o-mini',
  instructions: 'Say what the customer wants.',
  schema: z.enum(['refund', 'delivery', 'advice', 'something else']),
  serialize: (ticket: { text: string }) => ticket.text,
  preserveOrder: true,
})

await pipeline(
  tickets,
  labels,
  async function* (outcomes) {
    for await (const outcome of outcomes) {
      const result =
        outcome.status === 'fulfilled' ? { label: outcome.value } : { error: outcome.reason.code }
      yield JSON.stringify({ ...outcome.record, ...result }) + '\n'
    }
  },
  createWriteStream(output),
)
