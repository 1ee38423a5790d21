import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { questionsOf } from '../../../src/cli/ways/questions.ts'
import { waysNotes, waysTable } from '../../../src/cli/ways/format.ts'
import { waysOf, type Job, type Sent } from '../../../src/cli/ways/ways.ts'
import { lanesOf, priceOf } from '../../../src/prices/index.ts'

const exactly = (value: number) => ({ low: value, expected: value, high: value })
const sent = (size: number, requests: number, inputTokens: number, cachedTokens = 0): Sent => ({
  ...{ size, requests, inputTokens, cachedTokens },
  ...{ outputTokens: { low: 100_000, expected: 110_000, high: 120_000 }, time: exactly(requests * 1_000) },
})
const labels = (n: number) => z.object({ label: z.enum(Array.from({ length: n }, (_, i) => `label ${i}`)) })
const at = new Date('2026-12-01')
const luna = priceOf('gpt-6-luna', { at })
if (!luna.pricing) throw new Error('The price table has no gpt-6-luna')
const job: Job = {
  ...{ alone: sent(1, 1_000, 1_000_000), packed: sent(25, 40, 200_000), isMeasured: false },
  ...{
    pricing: luna.pricing,
    lanes: lanesOf('gpt-6-luna'),
    questions: questionsOf(labels(15)),
    maxInFlight: 4,
  },
}
const rowOf = (name: string, of: Job = job) => waysOf(of).rows.find((row) => row.name === name)
const costs = (name: string, of: Job = job) => {
  const row = rowOf(name, of)
  return [row?.alone.cost?.expected, row?.packed?.cost?.expected].map((cost) => cost && +cost.toFixed(6))
}

describe('other ways to the same answer', () => {
  it('cost what their tokens cost at the price of the lane', () => {
    expect(costs('now')).toEqual([0.155, 0.075])
    expect(costs('Flex')).toEqual([0.0775, 0.0375])
    expect(costs('Batch API')).toEqual([0.0775, 0.0375])
    expect(costs('background, 2 h')).toEqual([0.1085, 0.0525])
    expect(costs('background, 8 h')).toEqual([0.093, 0.045])
    expect(waysOf(job).rows.map(({ withinHours }) => withinHours)).toEqual([
      ...[undefined, undefined, 2, 8, 24],
      ...[undefined, undefined, undefined],
    ])
    expect(rowOf('now')?.packed?.time).toEqual(exactly(40_000))
  })

  it('have a row with hits of the cache, where there are any', () => {
    const cached = { ...job, alone: sent(1, 1_000, 1_000_000, 900_000) }
    expect(costs('now', cached)).toEqual([0.155, 0.075])
    expect(costs('now, cached', cached)).toEqual([0.074, 0.075])
    expect(rowOf('now, cached')).toBeUndefined()
  })

  it('of decision endpoints bill the input of plain requests, in rounds of requests at once', () => {
    expect(costs('OpenAI Decisions')).toEqual([0.1, undefined])
    expect(costs('Gemini Decisions')).toEqual([0.1, undefined])
    expect(costs('Jev')).toEqual([0.042, undefined])
    expect(rowOf('Gemini Decisions')?.alone.time).toEqual({ low: 37_500, expected: 50_000, high: 62_500 })
    expect(rowOf('OpenAI Decisions')?.alone.time).toBeUndefined()
  })

  it.each([
    [z.object({ label: z.enum(['a', 'b']), urgent: z.boolean() }), undefined],
    [z.enum(['a', 'b']), undefined],
    [z.object({ a: z.enum(['x', 'y']).meta({ id: 'Shared' }) }), undefined],
    [labels(255), undefined],
    [labels(256), 'a question has 2 to 255 choices, and the schema has a field with 256'],
    [labels(1), 'a question has 2 to 255 choices, and the schema has a field with 1'],
    [z.object({ label: z.enum(['a', 'b']), why: z.string() }), 'the field "why" is no choice'],
    [z.object({ label: z.enum(['a', 'b']), confidence: z.number() }), 'the field "confidence" is no choice'],
    [z.object({ labels: z.array(z.enum(['a', 'b'])) }), 'the field "labels" is no choice'],
  ])('of decision endpoints need labels: schema %#', (schema, why) => {
    const { rows, leftOut } = waysOf({ ...job, questions: questionsOf(schema) })
    expect(rows.filter(({ kind }) => kind === 'decisions')).toHaveLength(why === undefined ? 3 : 0)
    expect(leftOut.map(({ name }) => name)).toEqual(
      why === undefined ? [] : ['OpenAI Decisions', 'Gemini Decisions', 'Jev'],
    )
    for (const one of leftOut) expect(one.why).toContain(why)
  })

  it('of OpenAI take at most 400 questions', () => {
    const { leftOut } = waysOf({ ...job, questions: { choices: new Array<number>(401).fill(2) } })
    expect(leftOut).toEqual([
      { name: 'OpenAI Decisions', why: 'a request has at most 400 questions, and the schema has 401 fields' },
    ])
  })

  it('are arithmetic, except requests that were measured', () => {
    const measured = (of: Partial<Job>) =>
      waysOf({ ...job, isMeasured: true, ...of })
        .rows.filter(({ isArithmetic }) => !isArithmetic)
        .map(({ name }) => name)
    expect(waysOf(job).rows.every(({ isArithmetic }) => isArithmetic)).toBe(true)
    expect(measured({})).toEqual(['now'])
    expect(measured({ packed: sent(25, 40, 200_000, 1_024) })).toEqual(['now, cached'])
  })

  it('belong to a model and a server', () => {
    const names = (model: string, baseURL?: string) => lanesOf(model, { baseURL }).map(({ name }) => name)
    expect(names('gpt-4o-mini')).toEqual(['Batch API'])
    expect(names('gpt-5-mini')).toEqual(['Flex', 'background, 2 h', 'background, 8 h', 'Batch API'])
    expect(names('claude-haiku-5-5', 'https://api.anthropic.com/v1/')).toEqual(['Message Batches'])
    expect(names('gpt-4o-mini', 'http://127.0.0.1:4000/v1')).toEqual([])
    expect(lanesOf('gpt-5-mini', { serviceTier: 'flex' })).toEqual([])
    const { leftOut } = waysOf({ ...job, lanes: [] })
    expect(leftOut).toEqual([{ name: 'slower lanes', why: expect.stringContaining('has none') as string }])
  })

  it('are a table, and sentences where there is no room', () => {
    expect(waysTable(waysOf(job), 80)).toMatchInlineSnapshot(`
      [
        "  way                         one by one      done in     packs of 25  done in",
        "  now                       $0.150–0.160       17 min  $0.0700–0.0800     40 s",
        "  Flex (−50%)             $0.0750–0.0800         slow  $0.0350–0.0400     slow",
        "  background, 2 h (−30%)    $0.105–0.112        ≤ 2 h  $0.0490–0.0560    ≤ 2 h",
        "  background, 8 h (−40%)  $0.0900–0.0960        ≤ 8 h  $0.0420–0.0480    ≤ 8 h",
        "  Batch API (−50%)        $0.0750–0.0800       ≤ 24 h  $0.0350–0.0400   ≤ 24 h",
        "  OpenAI Decisions                $0.100            ?",
        "  Gemini Decisions                $0.100      38–63 s",
        "  Jev                            $0.0420  0.3–2.1 min",
      ]
    `)
    const narrow = waysTable(waysOf(job), 40)
    for (const line of narrow) expect(line.length).toBeLessThanOrEqual(40)
    expect(narrow.join(' ')).toContain(
      'Batch API (−50%): one by one: $0.0750–0.0800, ≤ 24 h; packs of 25: $0.0350–0.0400, ≤ 24 h',
    )
    const unpriced = { ...job, pricing: undefined, packed: undefined }
    expect(waysTable(waysOf(unpriced), 80).slice(0, 2)).toEqual([
      '  way                     one by one      done in',
      '  now                              ?       17 min',
    ])
  })

  it('say their conditions, and why a way is left out', () => {
    const notes = waysNotes(waysOf({ ...job, questions: { why: 'the field "why" is no choice' } }))
    expect(notes).toEqual([
      expect.stringMatching(/^Slower lanes: .* Flex: .*; background, 8 h: .* Batch API: at most 50,000 /),
      'Left out: OpenAI Decisions; Gemini Decisions; Jev: the field "why" is no choice.',
    ])
  })
})
