import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Entry } from '../../src/record/entry.ts'
import { RecordError } from '../../src/record/errors.ts'
import { idAt } from '../../src/request/ids.ts'
import { resultFormat } from '../../src/request/result-format.ts'
import { Settlement } from '../../src/answer/settlement.ts'
import { entryOf } from '../helpers/entry.ts'

const format = resultFormat(z.object({ label: z.string() }))

const pack = (size: number): Entry<string>[] =>
  Array.from({ length: size }, (_, i) => entryOf(100 + i, { record: `record ${i + 1}` }))

/** The ids of the first records of a pack. */
const [a, b, c] = [idAt(0), idAt(1), idAt(2)]

const element = (id: unknown, label: unknown): string => JSON.stringify({ id, label })

/**
 * The record that each element settled, as `record=label`, or the reason why it settled no record.
 */
function settleAll(
  size: number,
  elements: readonly string[],
): {
  verdicts: string[]
  unsettled: number[]
  entries: Entry<string>[]
  settlement: Settlement<string, unknown>
} {
  const entries = pack(size)
  const settlement = new Settlement<string, { label: string }>(entries, 0)
  const verdicts = elements.map((text) => {
    const verdict = settlement.settle(text, format.decode(text))
    if (verdict.kind !== 'fulfilled') return verdict.kind
    expect(entries[verdict.position - 1]).toBe(verdict.entry)
    return `${verdict.entry.record}=${verdict.value.label}`
  })
  return { verdicts, unsettled: [...settlement.unsettled.keys()], entries, settlement }
}

describe('elements settle the records that they name', () => {
  it('in order', () => {
    expect(settleAll(2, [element(a, 'a'), element(b, 'b')])).toMatchObject({
      verdicts: ['record 1=a', 'record 2=b'],
      unsettled: [],
    })
  })

  it('in any order, and never by their position', () => {
    expect(settleAll(3, [element(c, 'c'), element(a, 'a'), element(b, 'b')]).verdicts).toEqual([
      'record 3=c',
      'record 1=a',
      'record 2=b',
    ])
  })

  it('a missing element leaves only its own record unsettled', () => {
    expect(settleAll(3, [element(a, 'a'), element(c, 'c')])).toMatchObject({
      verdicts: ['record 1=a', 'record 3=c'],
      unsettled: [2],
    })
  })

  it.each<[string, unknown]>([
    ['a text of digits', String(b)],
    ['a text of digits with zeros', `0${b}`],
  ])('an id may be %s', (_what, id) => {
    expect(settleAll(2, [element(a, 'a'), element(id, 'b')]).verdicts).toEqual(['record 1=a', 'record 2=b'])
  })

  it('an id may have any form of a JSON number', () => {
    expect(settleAll(2, [`{"id":${b}.0,"label":"b"}`, `{"id":${a}e0,"label":"a"}`]).verdicts).toEqual([
      'record 2=b',
      'record 1=a',
    ])
  })

  it.each([
    '{"label":"a"}',
    '[1]',
    '1',
    '"1"',
    'null',
    `{"__proto__":{"id":${a}},"label":"a"}`,
    `{"id":${a} "label":"a"}`,
    '{"id":NaN,"label":"a"}',
    '',
  ])('an element without an id settles no record: %j', (text) => {
    expect(settleAll(2, [text, element(b, 'b')])).toMatchObject({
      ...{ verdicts: ['unknown', 'record 2=b'], unsettled: [1] },
      settlement: { hasStrayId: false },
    })
  })

  it("the verdict has the value after the schema's transforms, and the result that the model wrote", () => {
    const upper = resultFormat(z.object({ label: z.string().transform((text) => text.length) }))
    const [entry] = pack(1)
    if (!entry) throw new Error('no entry')
    const text = element(a, 'abc')
    expect(new Settlement([entry], 0).settle(text, upper.decode(text))).toEqual({
      ...{ kind: 'fulfilled', entry, position: 1 },
      ...{ value: { label: 3 }, result: { label: 'abc' } },
    })
  })

  it('the ids of the examples are not asked', () => {
    const settlement = new Settlement<string, { label: string }>(pack(2), 2)
    const kinds = [c, a, idAt(3)].map((id) => {
      const text = element(id, 'x')
      return settlement.settle(text, format.decode(text)).kind
    })
    expect(kinds).toEqual(['fulfilled', 'unknown', 'unknown'])
  })
})

describe('an id that the model did not copy', () => {
  it.each([0, 1, 2, 3, -1, 1.5, 1e20, 999_999, '0', '1', a + 1, Number.MAX_SAFE_INTEGER, 2 ** 31 + 1])(
    '%j: from there on, no element settles a record',
    (id) => {
      const elements = [element(c, 'c'), element(id, 'x'), element(a, 'a'), element(b, 'b')]
      expect(settleAll(3, elements)).toMatchObject({
        ...{ verdicts: ['record 3=c', 'unknown', 'unknown', 'unknown'], unsettled: [1, 2] },
        settlement: { hasStrayId: true, isSpoiled: true },
      })
    },
  )

  it.each([null, true, [a], {}, '', 'x', `${a} `, `#${a}`, `${a}, ${b}`, '1e3'])(
    '%j, which is no number: from there on, no element settles a record',
    (id) => {
      const { verdicts, unsettled, settlement } = settleAll(2, [element(id, 'a'), element(b, 'b')])
      expect([verdicts, unsettled]).toEqual([
        ['unknown', 'unknown'],
        [1, 2],
      ])
      expect(settlement.isSpoiled).toBe(true)
    },
  )

  it.each(['a', 'b'])('an id that comes again, with the result %j, shows it too', (again) => {
    const { verdicts, unsettled, settlement } = settleAll(3, [
      element(a, 'a'),
      element(a, again),
      element(b, 'c'),
    ])
    expect([verdicts, unsettled]).toEqual([
      ['record 1=a', 'repeated', 'unknown'],
      [2, 3],
    ])
    expect(settlement.isSpoiled).toBe(true)
  })

  it('is noticed for a record alone, which has no neighbour, and spoils nothing', () => {
    expect(settleAll(1, [element(7, 'x'), element(a, 'a')])).toMatchObject({
      ...{ verdicts: ['unknown', 'record 1=a'], unsettled: [] },
      settlement: { hasStrayId: true, isSpoiled: false },
    })
  })
})

describe('invalid elements', () => {
  it('leave their record unsettled, with a reason that does not hold its text', () => {
    const { verdicts, unsettled, entries } = settleAll(2, [element(a, 5), element(b, 'b')])
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
    const { verdicts, unsettled } = settleAll(1, [element(a, 5), element(a, 'a')])
    expect(verdicts).toEqual(['invalid', 'repeated'])
    expect(unsettled).toEqual([1])
  })

  it('valid, then invalid for the same record: the record stays settled', () => {
    const { verdicts, unsettled, entries } = settleAll(1, [element(a, 'a'), element(a, 5)])
    expect(verdicts).toEqual(['record 1=a', 'repeated'])
    expect(unsettled).toEqual([])
    expect(entries[0]?.invalid).toBeUndefined()
  })

  it("without a path in the schema's issue are invalid at their root", () => {
    const refined = resultFormat(z.object({ label: z.string() }).refine(() => false))
    const [entry] = pack(1)
    if (!entry) throw new Error('no entry')
    const text = element(a, 'a')
    expect(new Settlement([entry], 0).settle(text, refined.decode(text))).toEqual({ kind: 'invalid' })
    expect(entry.invalid?.message).toContain('its root')
  })
})

it('with any elements, a record is settled at most once, by the first element that names it, before any stray id', () => {
  const places = fc.oneof({ weight: 12, arbitrary: fc.nat(7) }, fc.constantFrom<unknown>('x', null, -3, 12.5))
  const labels = fc.oneof({ weight: 3, arbitrary: fc.string() }, fc.constantFrom<unknown>(1, null, []))
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 8 }), fc.array(fc.tuple(places, labels)), (size, elements) => {
      const first = new Map<number, unknown>()
      for (const [place, label] of elements) {
        // Also the ids of records that other packs would have.
        if (typeof place !== 'number' || !Number.isInteger(place) || place < 0 || place >= size) break
        if (first.has(place)) break
        first.set(place, label)
      }
      const expected = [...first].filter(([, label]) => typeof label === 'string')
      const { verdicts, unsettled, entries } = settleAll(
        size,
        elements.map(([place, label]) =>
          element(Number.isInteger(place) ? idAt(place as number) : place, label),
        ),
      )
      expect(verdicts.filter((verdict) => verdict.startsWith('record '))).toEqual(
        expected.map(([place, label]) => `record ${place + 1}=${label as string}`),
      )
      const settled = new Set(expected.map(([place]) => place))
      expect(unsettled).toEqual(entries.flatMap((_, i) => (settled.has(i) ? [] : [i + 1])))
      for (const [i, entry] of entries.entries()) {
        expect(entry.invalid !== undefined).toBe(first.has(i) && !settled.has(i))
      }
    }),
    { numRuns: 500 },
  )
})
