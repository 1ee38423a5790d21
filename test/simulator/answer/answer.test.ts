import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Answerer } from '../../../src/simulator/answer/answer.ts'
import { ApiError } from '../../../src/simulator/api/errors.ts'
import type { Request, ResponseFormat } from '../../../src/simulator/api/request.ts'

function ask(message: string, format: ResponseFormat, system = 'Do it.'): string {
  const request: Request = {
    api: 'chat',
    model: 'simulator',
    messages: [
      { role: 'system', text: system },
      { role: 'user', text: message },
    ],
    stream: false,
    maxTokens: undefined,
    format,
  }
  return new Answerer().answer(request)
}

function askSchema(message: string, schema: unknown): unknown {
  return JSON.parse(
    ask(message, {
      type: 'json_schema',
      name: 'answer',
      schema,
      json: JSON.stringify(schema),
      strict: false,
    }),
  )
}

const tickets = `Label these.
<record id="3">My refund has not arrived, I want my money back</record>
<record id="1">The app crashes when I log in</record>
<record id="12">How do I change my delivery address?</record>`

const label = z.enum(['login_problem', 'refund', 'delivery-address', 'somethingElse'])

describe('records and ids', () => {
  test.each([
    [z.int(), [3, 1, 12]],
    [z.string(), ['3', '1', '12']],
    [z.union([z.boolean(), z.number()]), [3, 1, 12]],
  ])('one element per record, with its id in the type of the schema', (id, ids) => {
    const schema = z.toJSONSchema(z.object({ results: z.array(z.object({ id, label })) }))
    const { results } = askSchema(tickets, schema) as { results: { id: unknown }[] }
    expect(results.map((element) => element.id)).toEqual(ids)
  })

  test('labels are chosen by common words', () => {
    const schema = z.toJSONSchema(
      z.object({ results: z.array(z.object({ id: z.string(), label, confidence: z.number() })) }),
    )
    const { results } = askSchema(tickets, schema) as {
      results: { label: string; confidence: number; id: string }[]
    }
    expect(results[0]).toEqual({ id: '3', label: 'refund', confidence: 1 })
    expect(results[2]).toEqual({ id: '12', label: 'delivery-address', confidence: 1 })
  })

  test.each<[string, z.ZodType, unknown]>([
    ['a root array', z.array(label), ['refund', expect.any(String), 'delivery-address']],
    ['at most maxItems', z.object({ a: z.array(label).max(1) }), { a: ['refund'] }],
    [
      'at least minItems',
      z.object({ a: z.array(z.object({ n: z.int() })).min(4) }),
      { a: [{ n: 3 }, { n: 1 }, { n: 12 }, { n: 12 }] },
    ],
    [
      'the array with ids, not the first array',
      z.object({ notes: z.array(z.boolean()), items: z.array(z.object({ key: z.string() })) }),
      { notes: expect.any(Array) as unknown, items: [{ key: '3' }, { key: '1' }, { key: '12' }] },
    ],
    [
      'an array in a union',
      z.object({ r: z.union([z.string(), z.array(z.object({ i: z.int() }))]) }),
      { r: [{ i: 3 }, { i: 1 }, { i: 12 }] },
    ],
    [
      'an object with a property for each record',
      z.object({ r3: z.object({ label }), r1: label, '12': label }),
      { r3: { label: 'refund' }, r1: expect.any(String) as unknown, '12': 'delivery-address' },
    ],
    [
      'a tuple',
      z.object({ t: z.tuple([z.object({ id: z.literal(3), label }), z.object({ id: z.literal(1) })]) }),
      { t: [{ id: 3, label: 'refund' }, { id: 1 }] },
    ],
    [
      'an id of an enum',
      z.object({ a: z.array(z.object({ id: z.enum(['12', '3', '1']) })) }),
      { a: [{ id: '3' }, { id: '1' }, { id: '12' }] },
    ],
  ])('%s', (_, schema, value) => {
    expect(askSchema(tickets, z.toJSONSchema(schema))).toEqual(value)
  })

  test('the position replaces an id that is not a number where the schema requires a number', () => {
    const schema = z.toJSONSchema(z.array(z.object({ index: z.int() })))
    expect(askSchema('<t id="a">x</t><t id="b">y</t>', schema)).toEqual([{ index: 1 }, { index: 2 }])
  })

  test('a message without records is one record', () => {
    const single = z.toJSONSchema(z.object({ label, id: z.int() }))
    expect(askSchema('I want a refund', single)).toEqual({ label: 'refund', id: 1 })
    const several = z.toJSONSchema(z.object({ results: z.array(z.object({ id: z.int(), label })) }))
    expect(askSchema('I want a refund', several)).toEqual({ results: [{ id: 1, label: 'refund' }] })
    const labels = z.toJSONSchema(z.object({ labels: z.array(label) }))
    expect(askSchema('A refund, and my address changed', labels)).toEqual({
      labels: ['refund', 'delivery-address'],
    })
  })
})

describe('values about one record', () => {
  const about = (text: string, shape: z.ZodRawShape) => {
    const schema = z.toJSONSchema(z.object({ results: z.array(z.object({ id: z.int(), ...shape })) }))
    return (askSchema(`<r id="1">${text}</r>`, schema) as { results: Record<string, unknown>[] }).results[0]
  }

  test('an array of labels holds the labels with common words, best first, and at least minItems', () => {
    const tags = ['billing', 'delivery', 'account'] as const
    expect(about('Delivered, and billed twice for delivery', { tags: z.array(z.enum(tags)) })).toMatchObject({
      tags: expect.arrayContaining(['billing', 'delivery']) as unknown,
    })
    expect(about('nothing of it', { tags: z.array(z.enum(tags)) })).toMatchObject({ tags: [] })
    expect((about('nothing', { tags: z.array(z.enum(tags)).min(2) })?.['tags'] as string[]).length).toBe(2)
  })

  test('booleans follow the words of their name', () => {
    const shape = { mentions_refund: z.boolean(), isUrgent: z.boolean() }
    expect(about('Please refunding me', shape)).toEqual({ id: 1, mentions_refund: true, isUrgent: false })
    expect(about('This is urgent', shape)).toEqual({ id: 1, mentions_refund: false, isUrgent: true })
  })

  test('confidences lie in their range', () => {
    const shape = {
      label,
      score: z.int().min(1).max(5),
      probability: z.number().min(0).max(1),
      confidence: z.int(),
    }
    expect(about('refund', shape)).toEqual({
      id: 1,
      label: 'refund',
      score: 5,
      probability: 1,
      confidence: 100,
    })
    expect(about('xyz', shape)).toMatchObject({ score: 1, probability: 0, confidence: 0 })
  })

  test('free text is the beginning of the record', () => {
    const text = 'The quick brown fox jumps over the lazy dog and then goes on for a long time'
    expect(about(text, { summary: z.string() })?.['summary']).toBe(
      'The quick brown fox jumps over the lazy dog and then goes on',
    )
    expect(about(text, { summary: z.string().max(9) })?.['summary']).toBe('The quick')
    expect(about('ab', { summary: z.string().min(5) })?.['summary']).toBe('ab...')
  })

  test('a label without a matching word is null where null is allowed', () => {
    expect(about('xyz', { label: label.nullable() })).toEqual({ id: 1, label: null })
    expect(about('refund', { label: label.nullable() })).toEqual({ id: 1, label: 'refund' })
  })

  test('a union is chosen by its discriminator', () => {
    const union = z.discriminatedUnion('type', [
      z.object({ type: z.literal('refund'), amount: z.number() }),
      z.object({ type: z.literal('address_change'), city: z.string() }),
    ])
    expect(about('my new address', { is: union })).toMatchObject({ is: { type: 'address_change' } })
    expect(about('a refund', { is: union })).toMatchObject({ is: { type: 'refund' } })
  })
})

test('the same request always gets the same answer, and other records get other answers', () => {
  const schema = z.toJSONSchema(z.array(z.object({ id: z.int(), n: z.int(), u: z.uuid(), d: z.iso.date() })))
  const message = '["a", "b"]'
  const first = askSchema(message, schema) as unknown[]
  expect(askSchema(message, schema)).toEqual(first)
  expect(first[0]).not.toEqual({ ...(first[1] as object), id: 1 })
})

describe('other formats', () => {
  test('text says that it is a simulator', () => {
    expect(ask('Hello', { type: 'text' })).toContain('not a model')
  })

  test('json_object without a schema holds the records', () => {
    expect(JSON.parse(ask('["one", "two"]', { type: 'json_object' }))).toEqual({
      note: 'from a simulator, not a model',
      results: [
        { id: '1', text: 'one' },
        { id: '2', text: 'two' },
      ],
    })
  })

  test('json_object follows a schema in the system message', () => {
    const schema = JSON.stringify(z.toJSONSchema(z.object({ label })))
    const system = `JSON schema:\n${schema}\nYou MUST answer with a JSON object that matches it.`
    expect(JSON.parse(ask('A refund', { type: 'json_object' }, system))).toEqual({ label: 'refund' })
  })
})

describe('schemas that cannot be answered', () => {
  const circle = { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => {
      const next = { $ref: `#/$defs/d${i + 1}` }
      return [
        `d${i}`,
        i === 39 ? { type: 'null' } : { type: 'array', prefixItems: [next, next], minItems: 2 },
      ]
    }),
  )
  test.each<[string, unknown, string]>([
    ['endless recursion', circle, 'without an end'],
    ['circular references', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, 'circle'],
    ['references to nothing', { $ref: '#/$defs/x' }, 'points to nothing'],
    ['foreign references', { $ref: 'https://example.com/x' }, 'into the schema itself'],
    ['empty enums', { enum: [] }, 'no values'],
    ['exponential growth', { $ref: '#/$defs/d0', $defs: doubling }, 'more than'],
    ['endless arrays', { type: 'array', items: { type: 'null' }, minItems: 1e9 }, 'more than'],
    ['endless strings', { type: 'string', minLength: 1e9 }, 'minLength'],
    [
      'deep nesting',
      JSON.parse('{"type":"array","items":'.repeat(500) + '{}' + '}'.repeat(500)),
      'nested more than',
    ],
  ])('%s: refused with the reason', (_, schema, reason) => {
    const run = () => askSchema('x', schema)
    expect(run).toThrow(ApiError)
    expect(run).toThrow(reason)
  })
})
