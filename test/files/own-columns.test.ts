import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RecordError, RequestError, type ResultIssue } from 'llm-pack-stream'
import {
  csvHeader,
  csvLine,
  earlierRow,
  jsonlLine,
  outcomeRow,
  rawColumns,
  type Reason,
} from 'llm-pack-stream/readers'
import { rowsOf } from './rows-of.ts'

const code = fc.stringMatching(/^[a-z][a-z\d_]{0,12}$/)
const raw = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const reason = fc.option(
  fc.record({ code, message: fc.string({ unit: 'grapheme' }), raw }, { requiredKeys: ['code', 'message'] }),
  { nil: undefined },
)
const index = fc.maxSafeNat()
/** Names of the columns of a record. */
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 4 })
const text = fc.string({ unit: 'grapheme' })
const outcome = fc.record({ names, texts: fc.array(text, { minLength: 4, maxLength: 4 }), index, reason })

const rowFor = (record: object, at: number, why: Reason | undefined) =>
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

  test('a record of a log keeps its own `_raw`', () => {
    const row = outcomeRow({
      ...{ status: 'rejected', index: 0, record: { _raw: 'GET / 200' } },
      reason: { code: 'invalid_result', message: 'No.', raw: '{"id":1}' },
    })
    expect(row).toEqual({ _raw: 'GET / 200', _index: 0, _error: { code: 'invalid_result', message: 'No.' } })
    expect(earlierRow(row)?.own).toEqual({ _raw: 'GET / 200' })
  })

  test('the text of a model has at most 4 kB, and no half of a character', () => {
    const rawOf = (text: string) =>
      outcomeRow({
        ...{ status: 'rejected', index: 0, record: 'x' },
        reason: { code: 'refused', message: 'No.', raw: text },
      })['_raw']
    expect(rawOf(`${'a'.repeat(4_094)}é`)).toBe(`${'a'.repeat(4_094)}é`)
    expect(rawOf(`${'a'.repeat(4_095)}é`)).toBe('a'.repeat(4_095))
    expect(rawOf('😀'.repeat(2_000))).toBe('😀'.repeat(1_024))
  })

  const issue = (message: string, expected?: string): ResultIssue[] => [
    { path: ['team'], message, ...(expected === undefined ? {} : { expected }) },
  ]
  const cause = new RequestError('connection', 'The connection failed or broke off (ECONNREFUSED)')
  test.each<[string, RecordError, string, string | undefined]>([
    [
      'the failure of the request',
      new RecordError('request_failed', 'The request failed on attempt 4', { cause }),
      'The request failed on attempt 4: The connection failed or broke off (ECONNREFUSED)',
      undefined,
    ],
    [
      'an issue that only the schema can say',
      new RecordError('invalid_result', 'No match at team', { issues: issue('not Bob'), raw: '{"id":1}' }),
      'No match at team: not Bob (_raw: what the model wrote)',
      '{"id":1}',
    ],
    [
      'an issue that the message says already',
      new RecordError('invalid_result', 'No match at team: expected "a"', { issues: issue('Bad', '"a"') }),
      'No match at team: expected "a"',
      undefined,
    ],
    [
      'the words of a refusal',
      new RecordError('refused', 'The model refused', { refusal: 'I cannot.' }),
      'The model refused (_raw: what the model wrote)',
      'I cannot.',
    ],
    ['an empty answer', new RecordError('missing_result', 'None', { raw: '' }), 'None', undefined],
  ])('a rejected row says %s', (_, rejection, message, written) => {
    const row = outcomeRow({ status: 'rejected', index: 0, record: 'x', reason: rejection })
    expect(row['_error']).toEqual({ code: rejection.code, message })
    expect(row['_raw']).toBe(written)
  })
})
