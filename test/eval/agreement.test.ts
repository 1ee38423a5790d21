import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { agreement, labelOf } from '../../src/eval/agreement.ts'
import { labelPath, partAt } from '../../src/eval/label.ts'
import { readUserSchema, type UserSchema } from '../../src/request/user-schema.ts'

describe('agreement', () => {
  it.each([
    ['refund', 'refund', 1],
    ['refund', 'return', 0],
    ['  Ｃafé\n au  lait ', 'cafe\u0301 AU lait', 1],
    [0.1 + 0.2, 0.3, 1],
    [100, 101, 0],
    ['5', 5, 1],
    [true, 'true', 1],
    [null, undefined, 1],
    [{ a: 1, b: 'x' }, { a: 1, b: 'y' }, 0.5],
    [{ a: 1, more: 'x' }, { a: 1 }, 1],
    [{ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, 0.5],
    [undefined, { a: 1 }, 0],
    ['x', ['x'], 0],
    [['x', 'y'], ['x', 'z'], 0.5],
    [['x'], ['x', undefined], 0.5],
    [[], [], 1],
    [{}, {}, 1],
  ])('of %j with %j is %f', (value, right, expected) => {
    expect(agreement(value, right)).toBe(expected)
  })
})

describe('labels', () => {
  it('are the same in a column of text', () => {
    expect([labelOf('a b'), labelOf(5), labelOf(false), labelOf(undefined)]).toEqual([
      'a b',
      '5',
      'false',
      'null',
    ])
  })

  it.each<[UserSchema, string[] | undefined]>([
    [z.enum(['a', 'b']), []],
    [z.boolean(), []],
    [z.enum(['a', 'b']).nullable(), []],
    [z.union([z.literal('a'), z.literal(2)]), []],
    [z.object({ label: z.enum(['a', 'b']) }), ['label']],
    [z.object({ category: z.enum(['a', 'b']), confidence: z.number() }), ['category']],
    [z.object({ reason: z.string(), isSpam: z.boolean().optional() }), ['isSpam']],
    [z.object({ topic: z.enum(['a', 'b']), mood: z.enum(['c', 'd']) }), undefined],
    [z.object({ amount: z.number() }), undefined],
    [z.string(), undefined],
    [z.string().nullable(), undefined],
    [z.enum(['a', 'b']).meta({ id: 'Label' }), []],
    [z.object({ label: z.enum(['a', 'b']).meta({ id: 'Label2' }) }), ['label']],
  ])('of schema %#', (schema, expected) => {
    expect(labelPath(readUserSchema(schema).json)).toEqual(expected)
  })

  it('are a part of a value, and gold may be the label itself', () => {
    expect(partAt({ label: 'a', more: 1 }, ['label'])).toBe('a')
    expect(partAt('a', ['label'])).toBe('a')
    expect(partAt({ label: 'a' }, [])).toEqual({ label: 'a' })
  })
})
