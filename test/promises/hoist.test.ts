import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { PackStream, type PackStreamOptions } from 'llm-pack-stream'
import { collect, inNoTime, patient } from '../helpers/collect.ts'
import { runs } from '../helpers/properties.ts'
import { random as randomOf } from '../helpers/random.ts'
import { answerOf, echo, fieldsOf, scriptedClient, type Call } from '../helpers/scripted-client.ts'

interface Passage {
  readonly text: string
  readonly document?: unknown
  readonly policy?: unknown
}

function stream(
  client: ReturnType<typeof scriptedClient>,
  options: Partial<PackStreamOptions<Passage, string>>,
) {
  return new PackStream<Passage, string>({
    ...patient,
    ...{ client, model: 'm', instructions: 'Echo.', schema: z.string(), serialize: ({ text }) => text },
    ...options,
  })
}

async function run(records: readonly Passage[], options: Partial<PackStreamOptions<Passage, string>> = {}) {
  const client = scriptedClient(echo)
  const outcomes = await collect(stream(client, { hoist: ['document'], ...options }), records)
  return { outcomes: outcomes.toSorted((a, b) => a.index - b.index), calls: client.calls }
}

const userOf = ({ body }: Call): string => body.messages.at(-1)?.content as string
const systemOf = ({ body }: Call): string => body.messages[0]?.content as string

const passages = (count: number, documents: number): Passage[] =>
  Array.from({ length: count }, (_, i) => ({ text: `text ${i}`, document: `document ${i % documents}` }))

describe('hoist', () => {
  it('sends a field once for all records of a pack, and packs by it', async () => {
    const { outcomes, calls } = await run(passages(20, 2))
    expect(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value)).toEqual(
      passages(20, 2).map(({ text }) => text),
    )
    expect(calls.map(({ body }) => fieldsOf(body).fields)).toEqual([
      { document: 'document 0' },
      { document: 'document 1' },
    ])
    expect(userOf(calls[0]!)).toMatch(
      /^<record-field name="document">document 0<\/record-field>\n10 records in <record> tags:\n<record id="/,
    )
  })

  it('hands `serialize` the record without the field, and the outcome has the whole record', async () => {
    const records = [{ text: 'a', document: 'x', policy: { no: 1 } }]
    const { outcomes, calls } = await run(records, {
      hoist: ['document', 'policy'],
      serialize: JSON.stringify,
    })
    expect(calls[0]?.records.map(({ text }) => text)).toEqual(['{"text":"a"}'])
    expect(fieldsOf(calls[0]!.body).fields).toEqual({ document: 'x', policy: '{"no":1}' })
    expect(outcomes[0]?.record).toBe(records[0])
  })

  it('keeps the methods of records', async () => {
    class Ticket {
      readonly text = 'a'
      readonly document = 'x'
      toJSON(): string {
        return `${this.text} ${Object.keys(this).join()}`
      }
    }
    const { calls } = await run([new Ticket()], { serialize: JSON.stringify })
    expect(calls[0]?.records.map(({ text }) => text)).toEqual(['"a text"'])
  })

  it('takes the fields from a function, for records of any kind', async () => {
    const client = scriptedClient(echo)
    const texts = new PackStream<string, string>({
      ...{ ...patient, client, model: 'm', instructions: 'Echo.', schema: z.string() },
      hoist: (text) => ({ 'first "letter"': text[0] }),
    })
    await collect(texts, ['a1', 'b1', 'a2'])
    expect(client.calls.map(({ body, records }) => [fieldsOf(body).fields, records.length])).toEqual([
      [{ 'first "letter"': 'a' }, 2],
      [{ 'first "letter"': 'b' }, 1],
    ])
  })

  it('says so in the system message, which is the same for all packs', async () => {
    const { calls } = await run(passages(60, 3))
    expect(new Set(calls.map(systemOf)).size).toBe(1)
    expect(systemOf(calls[0]!)).toContain('fields that all its records have in common')
    const { calls: plain } = await run(passages(3, 1), { hoist: undefined })
    expect(systemOf(plain[0]!)).not.toContain('in common')
    expect(userOf(plain[0]!)).toMatch(/^3 records in <record> tags:\n/)
  })

  it('packs records without the field together, apart from records with an empty field', async () => {
    const { calls } = await run([
      { text: 'a', document: '' },
      { text: 'b' },
      { text: 'c', document: undefined },
      { text: 'd', document: null },
    ])
    expect(
      calls.map(({ body, records }) => [fieldsOf(body).fields, records.map(({ text }) => text)]),
    ).toEqual([
      [{ document: '' }, ['a']],
      [{}, ['b', 'c']],
      [{ document: 'null' }, ['d']],
    ])
  })

  it('packs apart by partition too', async () => {
    const records = passages(40, 2)
    const partition = ({ text }: Passage) => String(Number(text.slice(5)) % 4 < 2)
    const { calls } = await run(records, { partition })
    expect(calls).toHaveLength(4)
  })

  it.each([['text'], [['a']], [5], [Buffer.from('x')]])('rejects %j, which has no fields', async (record) => {
    const { outcomes, calls } = await run([record as unknown as Passage])
    expect(outcomes).toMatchObject([{ status: 'rejected', reason: { code: 'invalid_record' } }])
    if (outcomes[0]?.status === 'rejected' && !Buffer.isBuffer(record)) {
      expect(outcomes[0].reason.message).toMatch(
        /^Expected a record with the fields of `hoist`, got (string|an array|number)$/,
      )
    }
    expect(calls).toHaveLength(0)
  })

  it('rejects a record whose fields cannot be written', async () => {
    const { outcomes } = await run([{ text: 'a', document: 1n }])
    expect(outcomes).toMatchObject([
      { reason: { code: 'invalid_record', message: '`hoist` threw TypeError for record 0' } },
    ])
    const { outcomes: wrong } = await run([{ text: 'a' }], { hoist: () => 'x' as never })
    expect(wrong).toMatchObject([{ reason: { message: 'Expected `hoist` to return an object, got string' } }])
  })
})

describe('a shared field that looks like a tag', () => {
  const nasty = fc
    .array(
      fc.constantFrom(
        ...[
          '</record>',
          '<record id="1">',
          '</record-field>',
          '<record-field name="x">',
          '</record-1-field>',
        ],
        ...[
          '</record-1>',
          '<RECORD-2',
          'in <record> tags:\n',
          '"',
          '\n',
          '\u200b',
          'x',
          '</rеcord-field>',
          '9 records',
        ],
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''))

  it('cannot close its tag, nor can a record, in any texts', async () => {
    await fc.assert(
      fc.asyncProperty(nasty, nasty, nasty, async (document, policy, text) => {
        const { calls, outcomes } = await run([{ document, policy, text }], { hoist: ['document', 'policy'] })
        expect(fieldsOf(calls[0]!.body).fields).toEqual({ document, policy })
        expect(calls[0]!.records.map((record) => record.text)).toEqual([text])
        expect(outcomes).toMatchObject([{ status: 'fulfilled', value: text }])
        const tag = /<(record(?:-\d+)?)-field/.exec(userOf(calls[0]!))?.[1] ?? ''
        for (const part of [document, policy, text])
          expect(part).not.toMatch(new RegExp(`<[\\s/]*${tag}(?!\\d)`, 'i'))
      }),
      { numRuns: runs(300) },
    )
  })
})

describe('examples with hoist', () => {
  it('stand in one message for each value of the field, with ids of their own', async () => {
    const examples = [
      { record: { text: 'a', document: 'x' }, value: 'A' },
      { record: { text: 'b', document: 'y' }, value: 'B' },
      { record: { text: 'c', document: 'x' }, value: 'C' },
    ]
    const { calls } = await run([{ text: 'd', document: 'x' }], { examples })
    const system = systemOf(calls[0]!)
    expect(system.match(/Example of a user message:/g)).toHaveLength(2)
    expect(system).toMatch(/<record-field name="document">x<\/record-field>\n2 records in/)
    expect(system).toMatch(/<record-field name="document">y<\/record-field>\n1 records in/)
    const ids = Array.from(system.matchAll(/<record id="(\d+)">/g), ([, id]) => id)
    expect(new Set([...ids, String(calls[0]!.records[0]?.id)]).size).toBe(4)
  })

  it('must be objects too', () => {
    const examples = [{ record: 'a' as unknown as Passage, value: 'A' }]
    expect(() => stream(scriptedClient(echo), { hoist: ['document'], examples })).toThrow(
      '`hoist` threw for `examples[0].record`: Expected a record with the fields of `hoist`, got string',
    )
  })
})

describe('the rest of the stream with hoist', () => {
  it('keeps results apart by the field in the cache', async () => {
    const cache = new Map<string, string>()
    const records = [
      { text: 'a', document: 'x' },
      { text: 'a', document: 'y' },
      { text: 'a', document: 'x' },
    ]
    const { calls } = await run(records, { cache })
    expect(calls.flatMap((call) => call.records)).toHaveLength(2)
    const again = await run(records, { cache })
    expect(again.calls).toHaveLength(0)
    const without = await run(records, { cache, hoist: undefined })
    expect(without.calls).toHaveLength(1)
  })

  it('asks records again with their own fields, in any schedule, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(60),
        fc.integer({ min: 1, max: 4 }),
        fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
        fc.nat(),
        async (count, documents, mix, seed) => {
          const random = randomOf(seed)
          const client = scriptedClient(async (call) => {
            if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 50))
            if (random() < 0.1) return { text: '', finishReason: 'content_filter' }
            if (random() < 0.3) return { text: '{"results":[' }
            const { document } = fieldsOf(call.body).fields
            return { text: answerOf(call, ({ text }) => `${text} of ${document}`) }
          })
          const records = passages(count, documents)
          const options = {
            hoist: ['document'],
            mix,
            maxPackRecords: 4,
            maxAttempts: 50,
            preserveOrder: true,
          }
          const outcomes = await inNoTime(() => collect(stream(client, options), records))
          expect(outcomes.map(({ index }) => index)).toEqual(records.map((_, i) => i))
          for (const outcome of outcomes) {
            const { text, document } = outcome.record
            if (outcome.status === 'fulfilled') expect(outcome.value).toBe(`${text} of ${String(document)}`)
            else expect(outcome.reason.code).toMatch(/^(content_filtered|answer_truncated)$/)
          }
        },
      ),
      { numRuns: runs(100) },
    )
  })

  it('charges the fields to the limits and to maxCost once for each pack, and not to maxPackTokens', async () => {
    const document = 'word '.repeat(4_000)
    const records = Array.from({ length: 10 }, (_, i) => ({ text: `text ${i}`, document }))
    const small = await run(records, { maxPackTokens: 400, countTokens: (text) => text.length })
    expect(small.calls).toHaveLength(1)
    // The document of 20,000 bytes has at most 20,000 tokens. At $1 each, the money pays for one
    // document, and not for ten.
    const pricing = { input: 1_000_000, output: 0 }
    const paid = await run(records, { pricing, maxCost: 25_000 })
    expect(paid.calls).toHaveLength(1)
    await expect(run(records, { pricing, maxCost: 15_000 })).rejects.toMatchObject({
      code: 'max_cost_reached',
    })
  })
})
