import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Entry } from '../../src/record/entry.ts'
import { RecordError } from '../../src/record/errors.ts'
import { resultFormat } from '../../src/request/result-format.ts'
import { Settlement } from '../../src/answer/settlement.ts'
import { entryOf } from '../helpers/entry.ts'

const { decode } = resultFormat(z.object({ label: z.string() }))

const pack = (size: number): Entry<string>[] =>
  Array.from({ length: size }, (_, i) => entryOf(100 + i, { record: `record ${i + 1}` }))

const element = (id: unknown, label: unknown): string => JSON.stringify({ id, label })

/**
 * The record that each element settled, as `record=label`, or the reason why it settled no record.
 */
function settleAll(
  size: number,
  elements: readonly string[],
): { verdicts: string[]; unsettled: number[]; entries: Entry<string>[] } {
  const entries = pack(size)
  const settlement = new Settlement(entries, decode)
  const verdicts = elements.map((text) => {
    const verdict = settlement.settle(text)
    if (verdict.kind !== 'fulfilled') return verdict.kind
    expect(entries[verdict.position - 1]).toBe(verdict.entry)
    return `${verdict.entry.record}=${verdict.value.label}`
  })
  return { verdicts, unsettled: [...settlement.unsettled.keys()], entries }
}

describe('elements settle the records that they name', () => {
  it('in order', () => {
    expect(settleAll(2, [element(1, 'a'), element(2, 'b')])).toMatchObject({
      verdicts: ['record 1=a', 'record 2=b'],
      unsettled: [],
    })
  })

  it('in any order, and never by their position', () => {
    expect(settleAll(3, [element(3, 'c'), element(1, 'a'), element(2, 'b')]).verdicts).toEqual([
      'record 3=c',
      'record 1=a',
      'record 2=b',
    ])
  })

  it('a missing element leaves only its own record unsettled', () => {
    expect(settleAll(3, [element(1, 'a'), element(3, 'c')])).toMatchObject({
      verdicts: ['record 1=a', 'record 3=c'],
      unsettled: [2],
    })
  })

  it('a repeated element settles no record', () => {
    expect(settleAll(2, [element(1, 'a'), element(1, 'z'), element(1, 5), element(2, 'b')]).verdicts).toEqual(
      ['record 1=a', 'repeated', 'repeated', 'record 2=b'],
    )
  })

  it.each([0, 3, -1, 1.5, '1', 1e20, null, true, [1], {}, Number.MAX_SAFE_INTEGER, 2 ** 31 + 1])(
    'an element with the id %j, which no record has, settles no record',
    (id) => {
      expect(settleAll(2, [element(id, 'a')])).toMatchObject({ verdicts: ['unknown'], unsettled: [1, 2] })
    },
  )

  it.each([
    '{"id":1e999,"label":"a"}',
    '{"id":-0,"label":"a"}',
    '{"id":1.0000001,"label":"a"}',
    '{"id":NaN,"label":"a"}',
  ])('%s settles no record', (text) => {
    expect(settleAll(2, [text])).toMatchObject({ verdicts: ['unknown'], unsettled: [1, 2] })
  })

  it.each([
    '{"label":"a"}',
    '[1]',
    '1',
    '"1"',
    'null',
    '{"__proto__":{"id":1},"label":"a"}',
    '{"id":1 "label":"a"}',
    '',
  ])('an element without an id settles no record: %j', (text) => {
    expect(settleAll(2, [text])).toMatchObject({ verdicts: ['unknown'], unsettled: [1, 2] })
  })

  it("the verdict has the value after the schema's transforms, and the result that the model wrote", () => {
    const upper = resultFormat(z.object({ label: z.string().transform((text) => text.length) }))
    const [entry] = pack(1)
    if (!entry) throw new Error('no entry')
    expect(new Settlement([entry], upper.decode).settle(element(1, 'abc'))).toEqual({
      ...{ kind: 'fulfilled', entry, position: 1 },
      ...{ value: { label: 3 }, result: { label: 'abc' } },
    })
  })

  it('an id may have any form of a JSON number', () => {
    expect(settleAll(2, ['{"id":2.0,"label":"b"}', '{"id":1e0,"label":"a"}']).verdicts).toEqual([
      'record 2=b',
      'record 1=a',
    ])
  })
})

describe('invalid elements', () => {
  it('leave their record unsettled, with a reason that does not hold its text', () => {
    const { verdicts, unsettled, entries } = settleAll(2, [element(1, 5), element(2, 'b')])
    expect(verdicts).toEqual(['invalid', 'record 2=b'])
    expect(unsettled).toEqual([1])
    const [first, second] = entries
    expect(first?.invalid).toBeInstanceOf(RecordError)
    expect(first?.invalid).toMatchObject({ code: 'invalid_result', issues: [{ path: ['label'] }] })
    expect(first?.invalid?.message).toContain('label')
    expect(first?.invalid?.message).not.toContain('record 1')
    expect(second?.invalid).toBeUndefined()
  })

  it('invalid, then valid for the same record: the first element decides, so the record is sent again', () => {
    const { verdicts, unsettled } = settleAll(1, [element(1, 5), element(1, 'a')])
    expect(verdicts).toEqual(['invalid', 'repeated'])
    expect(unsettled).toEqual([1])
  })

  it('valid, then invalid for the same record: the record stays settled', () => {
    const { verdicts, unsettled, entries } = settleAll(1, [element(1, 'a'), element(1, 5)])
    expect(verdicts).toEqual(['record 1=a', 'repeated'])
    expect(unsettled).toEqual([])
    expect(entries[0]?.invalid).toBeUndefined()
  })

  it("without a path in the schema's issue are invalid at their root", () => {
    const refined = resultFormat(z.object({ label: z.string() }).refine(() => false))
    const [entry] = pack(1)
    if (!entry) throw new Error('no entry')
    expect(new Settlement([entry], refined.decode).settle(element(1, 'a'))).toEqual({ kind: 'invalid' })
    expect(entry.invalid?.message).toContain('its root')
  })
})

it('with any elements, a record is settled at most once, by the first element that names it, with its value', () => {
  const ids = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 8 }) },
    fc.integer({ min: -2, max: 12 }),
    fc.constantFrom<unknown>('1', null, 1.5, 1e20, true),
  )
  const labels = fc.oneof({ weight: 3, arbitrary: fc.string() }, fc.constantFrom<unknown>(1, null, []))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.tuple(ids, labels)), (size, elements) => {
      const first = new Map<number, unknown>()
      for (const [id, label] of elements) {
        if (typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= size && !first.has(id))
          first.set(id, label)
      }
      const expected = [...first].filter(([, label]) => typeof label === 'string')
      const { verdicts, unsettled, entries } = settleAll(
        size,
        elements.map(([id, label]) => element(id, label)),
      )
      expect(verdicts.filter((verdict) => verdict.startsWith('record '))).toEqual(
        expected.map(([id, label]) => `record ${id}=${label as string}`),
      )
      const settled = new Set(expected.map(([id]) => id))
      expect(unsettled).toEqual(entries.map((_, i) => i + 1).filter((id) => !settled.has(id)))
      for (const [i, entry] of entries.entries()) {
        expect(entry.invalid !== undefined).toBe(first.has(i + 1) && !settled.has(i + 1))
      }
    }),
    { numRuns: 500 },
  )
})
