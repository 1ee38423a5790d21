import { countTokens as tokenize } from 'gpt-tokenizer/encoding/o200k_base'
import { exactTokenCounter } from 'llm-pack-stream/exact-tokens'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { $ZodType } from 'zod/v4/core'
import type { PlanOptions } from '../../../src/cli/estimate/options.ts'
import { readPrompts } from '../../../src/cli/estimate/plain-request.ts'
import { resultTokens } from '../../../src/cli/estimate/results.ts'

const count = await exactTokenCounter()

function resultsOf(schema: $ZodType, options: Partial<PlanOptions> = {}) {
  const all = { model: 'm', instructions: 'Do.', schema, ...options }
  const { jsonSchema } = readPrompts(all, count)
  return resultTokens(jsonSchema, all, count)
}

const teams = ['shipping', 'returns and refunds', '"quoted"', 'x_y_z', 'Überweisung']
const answer = (results: readonly object[]) => tokenize(JSON.stringify({ results }))

describe('the output of labels', () => {
  it('is exact: an answer has the tokens of its elements and its frame', () => {
    const { element, frame, source, assumed } = resultsOf(
      z.object({ team: z.enum(teams), urgent: z.boolean() }),
    )
    expect([source, assumed]).toEqual(['estimated', []])
    const sizes = teams.flatMap((team) =>
      [true, false].map((urgent) => {
        const of = (n: number) => answer(new Array<object>(n).fill({ id: 123, team, urgent }))
        return of(25) - of(24)
      }),
    )
    expect(element.low).toBe(Math.min(...sizes))
    expect(element.high).toBe(Math.max(...sizes))
    expect(element.expected).toBeCloseTo(sizes.reduce((sum, size) => sum + size, 0) / sizes.length)

    const all = teams.map((team, i) => ({ id: 100 + i, team, urgent: true }))
    expect(answer(all)).toBe(Math.round(teams.length * element.expected) + frame)
  })

  it('of a plain answer has the tokens of its JSON', () => {
    const { plain } = resultsOf(z.object({ team: z.enum(teams) }))
    const sizes = teams.map((team) => tokenize(JSON.stringify({ team })))
    expect(plain.low).toBe(Math.min(...sizes))
    expect(plain.high).toBe(Math.max(...sizes))
  })

  it('is under `value` where a result is not an object', () => {
    const { plain, element } = resultsOf(z.enum(['a', 'b']))
    expect(plain.expected).toBe(tokenize('{"value":"a"}'))
    const one = { id: 123, value: 'a' }
    expect(element.expected).toBe(answer([one, one, one]) - answer([one, one]))
  })
})

describe('the output of other schemas', () => {
  it.each([
    ['strings', z.object({ text: z.string() }), ['strings']],
    ['numbers', z.object({ a: z.number(), b: z.int() }), ['numbers']],
    ['bounded integers', z.object({ a: z.int().min(1).max(5) }), []],
    ['arrays', z.object({ tags: z.array(z.enum(['a', 'b'])) }), ['arrays']],
    ['arrays of one length', z.object({ tags: z.array(z.boolean()).length(2) }), []],
    ['null or not', z.object({ a: z.enum(['a', 'b']).nullable() }), []],
    [
      'unions',
      z.object({ a: z.union([z.literal(1), z.object({ b: z.literal('long words of a text') })]) }),
      [],
    ],
    ['formats', z.object({ a: z.iso.date(), b: z.uuid() }), []],
    ['definitions', z.object({ a: z.enum(['x', 'y']).meta({ id: 'letter' }) }), []],
  ])('%s', (_, schema, assumed) => {
    const results = resultsOf(schema)
    expect(results.assumed).toEqual(assumed)
    const { element, plain } = results
    expect(element.low).toBeGreaterThan(plain.low)
    expect(element.low).toBeLessThanOrEqual(element.expected)
    expect(element.expected).toBeLessThanOrEqual(element.high)
    expect(plain.low).toBeGreaterThan(2)
  })

  it('a string has ten tokens, or its largest length if that is shorter', () => {
    const of = (text: string) => tokenize(JSON.stringify({ text }))
    expect(resultsOf(z.object({ text: z.string() })).plain.expected).toBe(of('word') + 9)
    expect(resultsOf(z.object({ text: z.string().max(3) })).plain.expected).toBe(of('one'))
  })

  it('does not follow a recursive schema', () => {
    const tree = z.object({
      name: z.enum(['a', 'b']),
      get children(): z.ZodArray<typeof tree> {
        return z.array(tree)
      },
    })
    const { assumed, plain } = resultsOf(tree)
    expect(assumed).toContain('recursion')
    expect(plain.low).toBe(tokenize('{"name":"a","children":[{"name":"a","children":[]}]}'))
  })
})

describe('known output', () => {
  it('is stated for the result alone, and packs add its id and braces', () => {
    const schema = z.object({ label: z.enum(['a', 'b']) })
    const estimated = resultsOf(schema)
    const { source, plain, element } = resultsOf(schema, { outputTokens: { low: 20, high: 40 } })
    expect(source).toBe('stated')
    expect(plain).toEqual({ low: 20, expected: 30, high: 40 })
    expect(element.expected - plain.expected).toBe(estimated.element.expected - estimated.plain.expected)
  })

  it('is measured for the elements, with their frames', () => {
    const schema = z.object({ label: z.enum(['a', 'b']) })
    const estimated = resultsOf(schema)
    const quantiles = { p10: 1, p50: 1, p90: 1 }
    const measured = {
      ...{ requests: 10, records: 100, outputTokensPerRecord: 30 },
      ...{ timeToFirstToken: quantiles, outputTokensPerSecond: quantiles },
    }
    const { source, plain, element, frame } = resultsOf(schema, { measured })
    expect(source).toBe('measured')
    expect(element.expected + frame / 10).toBeCloseTo(30)
    expect(element.expected - plain.expected).toBeCloseTo(
      estimated.element.expected - estimated.plain.expected,
    )
  })

  it('is above 0', () => {
    expect(() => resultsOf(z.boolean(), { outputTokens: 0 })).toThrow(
      'Expected `outputTokens` to be a number above 0',
    )
  })
})
