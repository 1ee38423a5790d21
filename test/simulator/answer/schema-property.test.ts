import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Answerer } from '../../../src/simulator/answer/answer.ts'
import { runs } from '../../helpers/properties.ts'

const answerer = new Answerer()

function answer(schema: z.ZodType, message: string, target: 'draft-2020-12' | 'draft-7'): unknown {
  return JSON.parse(answerText(z.toJSONSchema(schema, { target }), message))
}

function answerText(schema: unknown, message: string): string {
  return answerer.answer({
    api: 'chat',
    model: 'simulator',
    messages: [{ role: 'user', text: message }],
    stream: false,
    maxTokens: undefined,
    format: { type: 'json_schema', name: 'answer', schema, json: JSON.stringify(schema), strict: false },
  })
}

const bound = fc.integer({ min: -1000, max: 1000 })
const names = fc.constantFrom(
  'id',
  'index',
  'label',
  'score',
  'confidence',
  'is_card',
  'text',
  'r1',
  '__x',
  'a/b~c',
)
const words = fc.constantFrom('card', 'card_arrival', 'lost', 'refund', 'é', '', 'Not')

const number = fc.record({
  a: bound,
  b: bound,
  exclusive: fc.boolean(),
  step: fc.constantFrom(undefined, 1, 3, 0.5),
})
const numbers = number.map(({ a, b, exclusive, step }) => {
  const [low, high] = [Math.min(a, b), Math.max(a, b) + 10]
  const ranged = exclusive ? z.number().gt(low).lt(high) : z.number().min(low).max(high)
  return step === undefined ? ranged : ranged.multipleOf(step)
})
const integers = fc.tuple(bound, fc.nat({ max: 5 })).map(([low, span]) =>
  z
    .int()
    .min(low)
    .max(low + span),
)
const strings = fc.tuple(fc.nat({ max: 80 }), fc.nat({ max: 80 })).map(([a, more]) =>
  z
    .string()
    .min(a)
    .max(a + more),
)
const formats = fc.constantFrom<() => z.ZodType>(
  () => z.email(),
  () => z.uuid(),
  () => z.uuidv7(),
  () => z.url(),
  () => z.ipv4(),
  () => z.ipv6(),
  () => z.iso.datetime(),
  () => z.iso.date(),
  () => z.iso.time(),
  () => z.iso.duration(),
  () => z.hostname(),
  () => z.nanoid(),
  () => z.ulid(),
  () => z.cuid2(),
  () => z.e164(),
  () => z.base64(),
  () => z.string().regex(/^[A-Z]{2}-\d{3,5}(?:x|yz)?[^a-z ]$/),
  () => z.string().startsWith('ab'),
  () => z.string().regex(/^\w+@\w+\.(com|org)$/),
)

const { schema } = fc.letrec<{ schema: z.ZodType; leaf: z.ZodType; branch: z.ZodType }>((tie) => ({
  leaf: fc.oneof(
    numbers,
    integers,
    strings,
    formats.map((make) => make()),
    fc.constantFrom(z.number(), z.int(), z.boolean(), z.null(), z.string()),
    fc.uniqueArray(words, { minLength: 1 }).map((values) => z.enum(values)),
    fc.oneof(words, bound, fc.boolean()).map((value) => z.literal(value)),
  ),
  branch: fc.oneof(
    fc.tuple(tie('schema'), fc.nat({ max: 3 }), fc.nat({ max: 3 })).map(([item, a, more]) => {
      return z
        .array(item)
        .min(a)
        .max(a + more)
    }),
    tie('schema').map((item) => z.array(item)),
    fc
      .uniqueArray(fc.tuple(names, tie('schema'), fc.boolean()), { selector: ([name]) => name, maxLength: 5 })
      .map((all) =>
        z.strictObject(
          Object.fromEntries(all.map(([name, type, optional]) => [name, optional ? type.optional() : type])),
        ),
      ),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((options) => z.union(options)),
    tie('schema').map((inner) => inner.nullable()),
    fc.tuple(tie('schema'), tie('schema')).map((pair) => z.tuple(pair)),
    tie('schema').map((value) => z.record(z.string(), value)),
    tie('schema').map((value) => z.record(z.enum(['card', 'lost']), value)),
    // A tree whose nodes contain the random schema.
    tie('schema').map((value) => {
      const node: z.ZodType = z.lazy(() =>
        z.strictObject({ value, left: node.nullable(), kids: z.array(node) }),
      )
      return node
    }),
    tie('schema').map((value) => {
      const list: z.ZodType = z.lazy(() =>
        z.union([z.strictObject({ next: list, value }), z.strictObject({ value })]),
      )
      return list
    }),
  ),
  schema: fc.oneof({ maxDepth: 4, withCrossShrink: true }, tie('leaf'), tie('branch')),
}))

const messages = fc.oneof(
  fc.constant(''),
  fc.string({ unit: 'binary' }),
  fc.constant('<r id="4">My card was lost</r><r id="x">é 😀</r>'),
  fc.constant('1. a card\n2. a refund'),
)

describe('any schema', () => {
  test.each(['draft-2020-12', 'draft-7'] as const)('answers validate, %s', (target) => {
    fc.assert(
      fc.property(schema, messages, (type, message) => {
        const value = answer(type, message, target)
        const result = type.safeParse(value)
        expect(result.error, JSON.stringify({ schema: z.toJSONSchema(type), value })).toBeUndefined()
      }),
      { numRuns: runs(500) },
    )
  })

  test('shared definitions, with keywords beside the reference', () => {
    const shared = z.object({ label: z.enum(['card', 'refund']) }).meta({ id: 'Shared' })
    const type = z.object({ a: shared, b: shared.describe('another'), c: z.array(shared) })
    const value = answer(type, 'a refund', 'draft-2020-12')
    expect(type.parse(value)).toMatchObject({ a: { label: 'refund' }, b: { label: 'refund' } })
  })

  test('a property named __proto__ is a property', () => {
    const schema: unknown = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"const":1}},"required":["__proto__"]}',
    )
    expect(answerText(schema, '')).toBe('{"__proto__":1}')
  })
})
