// npm start
//
// Labels the sample tickets in packs and shows each result as it arrives. Then it does the same
// with one record in each request, and compares.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { compare } from './shared/compare.ts'
import type { Labelled } from './shared/labelling.ts'

const file = new URL('data/tickets.jsonl', import.meta.url)

/** Reads one record from each line, when the stream has room for it. */
async function* tickets(): AsyncGenerator<Labelled> {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    yield JSON.parse(line) as Labelled
  }
}

const all: Labelled[] = []
for await (const ticket of tickets()) all.push(ticket)
const labels = [...new Set(all.map(({ label }) => label))].sort()
await compare(
  all,
  tickets,
  labels,
  'Label each message that a customer of an online outdoor-equipment shop has sent to its support desk.',
)
