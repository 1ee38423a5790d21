import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvHeader, csvLine, earlierRow, jsonlLine, outcomeRow, rawColumns } from 'llm-pack-stream/readers'
import { rowsOf } from './rows-of.ts'

const code = fc.stringMatching(/^[a-z][a-z\d_]{0,12}$/)
const reason = fc.option(fc.record({ code, message: fc.string({ unit: 'grapheme' }) }), { nil: undefined })
const index = fc.maxSafeNat()
/** Names of the columns of a record. */
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 4 })
const text = fc.string({ unit: 'grapheme' })
const outcome = fc.record({ names, texts: fc.array(text, { minLength: 4, maxLength: 4 }), index, reason })

const rowFor = (record: object, at: number, why: { code: string; message: string } | undefined) =>
  why
    ? outcomeRow({ status: 'rejected', index: at, record, reason: why })
    : outcomeRow({ status: 'fulfilled', index: at, record, value: { label: 'a' } })

describe('the columns that the tool adds to an output', () => {
  test('come back from JSON Lines unchanged', () => {
    fc.assert(
      fc.property(outcome, (given) => {
        const record = Object.fromEntries(given.names.map((name, i) => [`${name}_`, given.texts[i]]))
        const line = jsonlLine(rowFor(record, given.index, given.reason))
        const own = given.reason ? record : { ...record, label: 'a' }
        expect(earlierRow(JSON.parse(line) as Record<string, unknown>)).toEqual({
          ...{ index: given.index, reason: given.reason, own },
        })
      }),
    )
  })

  test('come back from a table unchanged, also values without a column', () => {
    fc.assert(
      fc.property(outcome, fc.nat(4), (given, kept) => {
        const record = Object.fromEntries(given.names.map((name, i) => [`${name}_`, given.texts[i]]))
        const columns = [...Object.keys(record).slice(0, kept), 'label', '_index', '_error', '_more']
        const line = csvLine(rowFor(record, given.index, given.reason), columns)
        const [row] = rowsOf('csv', csvHeader(columns) + line)
        const read = earlierRow(row?.record as Record<string, unknown>)
        expect(read).toEqual({
          ...{ index: given.index, reason: given.reason },
          own: { ...record, label: given.reason ? '' : 'a' },
        })
      }),
    )
  })

  test.each<[string, unknown]>([
    ['a hexadecimal number', '0x1F'],
    ['a space before it', ' 7'],
    ['a space behind it', '7 '],
    ['an exponent', '1e3'],
    ['a sign', '+7'],
    ['a number below 0', '-1'],
    ['minus zero', '-0'],
    ['leading zeros', '007'],
    ['a fraction', '1.0'],
    ['one that JavaScript cannot hold', '9007199254740993'],
    ['a huge one', '1e400'],
    ['a word', 'Infinity'],
    ['nothing', ''],
    ['a number below 0 in JSON', -1],
    ['a fraction in JSON', 0.5],
    ['a huge one in JSON', 2 ** 53],
    ['null', null],
    ['a list', [7]],
    ['true', true],
  ])('an index that no run writes is not an added column: %s', (_, cell) => {
    expect(earlierRow({ id: 1, _index: cell })).toBeUndefined()
  })

  test.each([0, 7, Number.MAX_SAFE_INTEGER])(
    'the index %i is an added column, as a number and as a text',
    (at) => {
      for (const cell of [at, String(at)]) {
        expect(earlierRow({ _index: cell })).toEqual({ index: at, reason: undefined, own: {} })
      }
    },
  )

  test('the source of a row is kept as its text, or as its bytes', () => {
    expect(rawColumns('{"a')).toEqual({ _raw: '{"a' })
    expect(rawColumns(Uint8Array.of(0xff, 0x41))).toEqual({ _raw_base64: '/0E=' })
    expect(rawColumns(undefined)).toEqual({})
  })
})
