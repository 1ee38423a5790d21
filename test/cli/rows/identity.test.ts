import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvHeader, csvLine, jsonlLine, outcomeRow, readBackRow } from 'llm-pack-stream/readers'
import { Identifier } from '../../../src/cli/rows/identity.ts'
import { rowsOf } from '../../files/rows-of.ts'

const identifier = new Identifier(undefined, ['label'])
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 4 })
  .map((text) => `c${text.replace(/\r/g, '')}`)
const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', ' ', '\r', '\ufeff', '\ud800', '1', 'null', '{"a":1}'),
  fc.jsonValue({ maxDepth: 2 }),
)
const record = fc.dictionary(name, value, { maxKeys: 5 })

/** Reads a row of an output back. */
function readFrom(format: 'jsonl' | 'csv' | 'tsv', text: string) {
  const [row] = rowsOf(format, text)
  return readBackRow(row?.record as Record<string, unknown>)
}

test('a record has the same identity in the input and in an output of any format', () => {
  fc.assert(
    fc.property(record, fc.nat(5), fc.boolean(), (own, kept, isRejected) => {
      const reason = { code: 'refused', message: 'no' }
      const row = isRejected
        ? outcomeRow({ status: 'rejected', index: 3, record: own, reason })
        : outcomeRow({ status: 'fulfilled', index: 3, record: own, value: { label: 'a' } })
      const { id } = identifier.of(own, isRejected ? reason : undefined)
      const columns = [...Object.keys(own).slice(0, kept).reverse(), 'label', '_index', '_error', '_more']
      const isTable = columns.every((column) => column.isWellFormed())
      const texts = {
        jsonl: jsonlLine(row),
        ...(isTable && { csv: csvHeader(columns) + csvLine(row, columns) }),
      }
      for (const [format, text] of Object.entries(texts)) {
        const read = readFrom(format as 'jsonl' | 'csv', text)
        expect(identifier.of(read?.own ?? {}, read?.reason).id, text).toEqual(id)
      }
    }),
  )
})

test('records with other columns or texts have other identities', () => {
  const pairs: [Record<string, unknown>, Record<string, unknown>][] = [
    [{ a: 'b' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'b' }],
    [{ a: 'b', c: 'd' }, { a: 'bcd' }],
    [{ a: '1:1:b' }, { a: '1', b: '' }],
    [{ ab: 'c' }, { a: 'bc' }],
    [
      { _raw: 'x', t: 'a' },
      { _raw: 'y', t: 'a' },
    ],
  ]
  for (const [one, other] of pairs) expect(identifier.of(one).id).not.toEqual(identifier.of(other).id)
})

test('a value without a text is no value, and the order of columns does not matter', () => {
  const { id } = identifier.of({ a: 'x', b: 2 })
  for (const same of [
    { b: '2', a: 'x' },
    { a: 'x', b: 2, c: null },
    { a: 'x', b: '2', c: '', label: 'z' },
  ])
    expect(identifier.of(same).id).toEqual(id)
})

test('a row that was too long is known by its message, wherever it stands', () => {
  const reason = (place: string, size: number) => ({
    code: 'too_long',
    message: `${place}: expected at most 9 bytes (maxRecordBytes), got ${size}`,
  })
  const { id } = identifier.of({}, reason('in.csv:3', 20))
  expect(identifier.of({}, reason('more.csv:7', 20)).id).toEqual(id)
  expect(identifier.of({}, reason('in.csv:3', 21)).id).not.toEqual(id)
})

describe('a key', () => {
  const keyed = new Identifier(['shop', 'order.id'])

  test('is the same for records with other columns', () => {
    const { id, key } = keyed.of({ shop: 'a', order: { id: 7 }, text: 'x' })
    const same = keyed.of({ text: 'y', order: '{"id":7}', shop: 'a' })
    expect(same.key).toEqual(key)
    expect(same.id).not.toEqual(id)
    expect(keyed.of({ shop: 'b', order: { id: 7 } }).key).not.toEqual(key)
  })

  test('that is empty or missing is no key', () => {
    for (const own of [{ shop: '', order: { id: 7 } }, { order: { id: 7 } }, { shop: 'a', order: {} }]) {
      const { id, key } = keyed.of(own)
      expect(key).toEqual(id)
    }
  })
})
