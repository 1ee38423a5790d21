import { exactTokenCounter } from 'llm-pack-stream/exact-tokens'
import { PackStream } from 'llm-pack-stream'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { partitionWith } from '../../../src/engine/index.ts'
import { formatPlan } from '../../../src/cli/plan/format.ts'
import { makePlan } from '../../../src/cli/plan/make-plan.ts'
import type { PlanOptions } from '../../../src/cli/estimate/options.ts'
import { collect } from '../../helpers/collect.ts'
import { echo, scriptedClient } from '../../helpers/scripted-client.ts'

const count = await exactTokenCounter()
const document = (i: number) => `This is document number ${i}. ${'It says a lot. '.repeat(i * 40)}`
/** 50 records for each of four documents, in order. */
const records = Array.from({ length: 200 }, (_, i) => ({
  text: `Question ${i} `.repeat(1 + (i % 5)),
  document: document(Math.floor(i / 50)),
}))
const job = { model: 'm', instructions: 'Answer.', schema: z.string() }
const examples = [
  { record: { text: 'Why?', document: 'A' }, value: 'Because.' },
  { record: { text: 'How?', document: 'B' }, value: 'So.' },
]

async function planOf(options: Partial<PlanOptions> = {}) {
  async function* items() {
    for (const { text, document } of records) {
      const shared = [{ name: 'document', text: document }]
      yield await Promise.resolve({ text, shared, partition: partitionWith(shared, undefined) })
    }
  }
  return makePlan(items(), {
    ...{ ...job, hoist: ['document'], encoding: 'o200k_base', maxPackTokens: 100_000 },
    examples: examples.map(({ record, value }) => ({
      ...{ record: record.text, value, shared: [{ name: 'document', text: record.document }] },
    })),
    ...options,
  })
}

describe('a plan with hoist', () => {
  it('counts the tokens of the prompts of a real stream', async () => {
    const plan = await planOf()
    for (const maxPackRecords of [5, 10, 25]) {
      const client = scriptedClient(echo)
      const stream = new PackStream({
        ...{ ...job, client, examples, maxPackRecords, maxPackTokens: 100_000, countTokens: count },
        ...{ hoist: ['document'], serialize: ({ text }: { text: string }) => text, linger: 60_000 },
      })
      await collect(stream, records)
      const row = plan.rows.find(({ size }) => size === maxPackRecords)
      expect(row?.requests).toBe(client.calls.length)
      const said = client.calls.flatMap(({ body }) => body.messages.map(({ content }) => content as string))
      const sent = said.reduce((sum, text) => sum + count(text), 0)
      // The schema, the frames of two messages, and the beginning of the answer.
      const around = plan.prompts.packed.schemaTokens + 2 * 4 + 3
      expect(row?.inputTokens).toBe(sent + client.calls.length * around)
    }
  })

  it('shows the tokens that it saves', async () => {
    const plan = await planOf()
    const each = [0, 1, 2, 3].map((i) =>
      count(`<record-field name="document">${document(i)}</record-field>\n`),
    )
    const all = each.reduce((sum, tokens) => sum + tokens, 0)
    expect(plan.rows.map(({ size, savedTokens }) => [size, savedTokens])).toEqual([
      [1, 0],
      ...[5, 10, 25, 50].map((size) => [size, (50 - 50 / size) * all]),
    ])
    const saved = (50 - 50 / (plan.chosen?.size ?? 0)) * all
    const text = formatPlan(plan).replaceAll(/\s+/g, ' ')
    expect(text).toContain(`Shared (--hoist document): packs of ${plan.chosen?.size} send`)
    expect(text).toContain(`${saved.toLocaleString('en')} input tokens less`)
    expect(formatPlan({ ...plan, hoist: [] })).not.toContain('Shared')
  })

  it('counts the field in each request against the context', async () => {
    // The longest document takes about 600 tokens.
    const plan = await planOf({ contextTokens: 900, examples: [] })
    expect(plan.limits.overContextFrom).toBeGreaterThan(1)
    const { limits } = await planOf({ contextTokens: 2_000, examples: [] })
    expect(limits.overContextFrom ?? Infinity).toBeGreaterThan(plan.limits.overContextFrom ?? Infinity)
    const short = await planOf({ contextTokens: 700, examples: [] })
    expect(short.records.overContext).toBe(50)
  })
})
