import OpenAI from 'openai'
import { PackStream, type Outcome, type PackStreamOptions } from 'llm-pack-stream'
import { afterAll, describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { collect, patient } from '../helpers/collect.ts'
import { recordsOf } from '../helpers/scripted-client.ts'
import { noModel, startLlamaServer, type LlamaServer } from './llama-server.ts'

// A real model in a real server: SmolLM2-135M-Instruct in llama.cpp's server. The model is so small
// that it loses its place in a pack.

if (noModel !== undefined) process.stderr.write(`\n${noModel}.\n`)

const ANIMALS = [
  ...['fox', 'wolf', 'bear', 'deer', 'otter', 'badger', 'rabbit', 'mouse', 'horse', 'cow', 'sheep', 'goat'],
  ...['pig', 'cat', 'dog', 'duck', 'goose', 'swan', 'owl', 'eagle', 'crow', 'robin', 'trout', 'salmon'],
  ...['shark', 'whale', 'seal', 'frog', 'snake', 'bee'],
] as const
const animals = (count: number) => Array.from({ length: count }, (_, i) => ANIMALS[(7 * i) % ANIMALS.length]!)
const serialize = (animal: string) => `I saw a ${animal}.`
const instructions = 'Name the animal of each record. Its id is the number in its tag.'
const schema = z.object({ animal: z.enum(ANIMALS) })
type Result = z.infer<typeof schema>

/** One request as it went over the wire, read without the library. */
interface Exchange {
  /** The record of each id that the request asked for. */
  readonly asked: ReadonlyMap<string, string>
  /** The elements that the model wrote, as `[id, animal]`. */
  readonly written: readonly (readonly [id: string, animal: string])[]
}

/** A client that keeps a copy of all that it sends and receives. */
function tappedClient(baseURL: string): { client: OpenAI; exchanges: Promise<Exchange>[] } {
  const exchanges: Promise<Exchange>[] = []
  const tapped: typeof fetch = async (url, init) => {
    const asked = new Map(
      recordsOf(JSON.parse(init?.body as string) as never).map(({ id, text }) => [String(id), text]),
    )
    const response = await fetch(url, init)
    const copy = response.clone()
    exchanges.push(
      copy.text().then(
        (body) => ({ asked, written: elementsIn(body) }),
        () => ({ asked, written: [] }),
      ),
    )
    return response
  }
  return { client: new OpenAI({ baseURL, apiKey: 'none', fetch: tapped }), exchanges }
}

function elementsIn(body: string): (readonly [string, string])[] {
  const events = Array.from(body.matchAll(/^data: (\{.*)$/gm), ([, data]) => JSON.parse(data!) as Chunk)
  const text = events.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('')
  return Array.from(
    text.matchAll(/\{\s*"id":\s*(-?\d+),\s*"animal":\s*"(\w+)"\s*\}/g),
    ([, id, animal]) => [id!, animal!] as const,
  )
}
interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[]
}

describe.skipIf(noModel !== undefined)('SmolLM2 in llama-server', () => {
  const servers: LlamaServer[] = []
  afterAll(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())))

  async function start(slotTokens: number): Promise<LlamaServer> {
    const server = await startLlamaServer(slotTokens)
    servers.push(server)
    return server
  }

  function packStream(
    client: OpenAI,
    options: Partial<PackStreamOptions<string, Result>> = {},
  ): PackStream<string, Result> {
    return new PackStream<string, Result>({
      ...{ ...patient, client, model: 'smollm2', instructions, schema, serialize },
      ...{ maxPackRecords: 5, maxInFlight: 2, maxOutputTokens: 400, request: { temperature: 0 } },
      // A busy machine writes few tokens a second.
      ...{ firstTokenTimeout: Infinity, idleTimeout: Infinity, requestTimeout: Infinity },
      ...options,
    })
  }

  const isFulfilled = (outcome: Outcome<string, Result>) => outcome.status === 'fulfilled'

  it('gives 100 records one outcome each, and never what the model wrote for another id', async () => {
    const { baseURL } = await start(2_048)
    const { client, exchanges } = tappedClient(baseURL)
    const stream = packStream(client)
    const records = animals(100)
    const outcomes = await collect(stream, records)
    expect(outcomes.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([...records.keys()])
    expect(outcomes.every(({ record, index }) => record === records[index])).toBe(true)

    const seen = await Promise.all(exchanges)
    const { requests, answers, elements } = stream.stats
    expect(seen).toHaveLength(requests)
    // The records of a pack are all different, so a record's text and a result name one element.
    const wrote = new Set(
      seen.flatMap(({ asked, written }) => {
        const pairs = written.map(([id, animal]) => `${asked.get(id)}: ${animal}`)
        // Alone, a record takes the only element of its answer.
        const [alone] = asked.size === 1 && written.length === 1 ? asked.values() : []
        return alone === undefined ? pairs : [...pairs, `${alone}: ${written[0]![1]}`]
      }),
    )
    const settled = outcomes.filter(isFulfilled)
    expect(
      settled.filter(({ record, value }) => !wrote.has(`${serialize(record)}: ${value.animal}`)),
    ).toEqual([])
    const right = settled.filter(({ record, value }) => value.animal === record).length
    process.stderr.write(
      `\nSmolLM2: of 100 records ${settled.length} fulfilled, ${right} right. ` +
        `${JSON.stringify({ requests, answers, elements })}\n`,
    )
    expect(right).toBeGreaterThan(33)
  })

  it('stops to write when the stream is destroyed', async () => {
    const server = await start(2_048)
    const stream = packStream(new OpenAI({ baseURL: server.baseURL, apiKey: 'none' }))
    for (const record of animals(10)) stream.write(record)
    stream.end()
    const first = await new Promise<Outcome<string, Result>>((resolve) => stream.once('data', resolve))
    expect(first.record).toBeTypeOf('string')
    stream.destroy()
    await vi.waitFor(async () => {
      expect(await server.busySlots()).toBe(0)
    }, 60_000)
  })

  it('halves packs that do not fit the context, and rejects a record that never fits', async () => {
    const { baseURL } = await start(768)
    // Five such records are longer than the context, two are not.
    const filler = ' and many more words about it'.repeat(20)
    const records = animals(6).map((animal, i) => (i === 3 ? animal + filler.repeat(10) : animal + filler))
    const stream = packStream(new OpenAI({ baseURL, apiKey: 'none' }), { maxOutputTokens: 100 })
    const outcomes = await collect(stream, records)
    expect(outcomes).toHaveLength(6)
    const tooLong = outcomes.filter(
      (o) => o.status === 'rejected' && o.reason.code === 'context_length_exceeded',
    )
    expect(tooLong.map(({ index }) => index)).toEqual([3])
  })
})
