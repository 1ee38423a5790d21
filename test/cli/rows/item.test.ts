import { describe, expect, test } from 'vitest'
import { recordErrorCodes } from 'llm-pack-stream'
import {
  jsonlLine,
  outcomeRow,
  RowError,
  rowErrorCodes,
  type GoodRow,
  type Row,
} from 'llm-pack-stream/readers'
import { columnNames, columnOf, hoisted, ItemError, textFrom, toItem } from '../../../src/cli/rows/item.ts'
import { columnList } from '../../../src/cli/task/partition.ts'

const rowOf = (record: unknown): Row => ({ file: 'a.jsonl', line: 7, record, end: 10, terminated: true })
const none = new Set<string>()
const item = (record: unknown, textOf = textFrom(undefined, undefined), taken = none) =>
  toItem(rowOf(record), 3, textOf, taken)

describe("a record's text", () => {
  test.each<[string, string | undefined, string | undefined, unknown, string]>([
    ['a line', undefined, undefined, 'hello', 'hello'],
    ['the whole record', undefined, undefined, { a: 1, text: 'x' }, '{"a":1,"text":"x"}'],
    ['a column', 'body', undefined, { id: 1, body: 'hi' }, 'hi'],
    ['a number', 'n', undefined, { n: 5 }, '5'],
    ['an object', 'o', undefined, { o: { a: 1 } }, '{"a":1}'],
    ['one inside another', 'o.a.1', undefined, { o: { a: ['x', 'y'] } }, 'y'],
    ['a column with a dot in its name', 'o.a', undefined, { 'o.a': 'dot', o: { a: 'in' } }, 'dot'],
    ['a template', undefined, '{{title}}: {{ body }} ({{title}})', { title: 'T', body: 'B' }, 'T: B (T)'],
    ['$& in a value is nothing special', undefined, '<{{a}}>', { a: '$& {{b}}' }, '<$& {{b}}>'],
  ])('%s', (_, field, template, record, text) => {
    expect(item(record, textFrom(field, template)).text).toBe(text)
  })

  test.each<[string, string | undefined, unknown, string]>([
    ['a column that is missing', 'text', { id: 1, body: 'x' }, 'missing_column'],
    ['one inside a text', 'text.a', { text: 'x' }, 'missing_column'],
    ['a column of the prototype', 'toString', { text: 'x' }, 'missing_column'],
    ['an empty one: null', 'text', { text: null }, 'missing_column'],
    ['a number for a record', undefined, 5, 'not_a_record'],
    ['an array for a record', undefined, [1], 'not_a_record'],
  ])('%s cannot be asked', (_, field, record, code) => {
    const { text, index } = item(record, textFrom(field, undefined))
    expect(text).toBeInstanceOf(ItemError)
    expect(text).toMatchObject({ code })
    expect((text as ItemError).message).toMatch(/^a\.jsonl:7: /)
    expect(index).toBe(3)
  })

  test('flags that do not go together, and a template without a column', () => {
    expect(() => textFrom('a', '{{b}}')).toThrow('Expected --field or --template, got both')
    expect(() => textFrom(undefined, 'no column')).toThrow('--template: expected a {{column}} in it')
  })
})

describe('hoisted columns', () => {
  const own = { text: 'x', id: 1, document: 'long' }

  test('are no part of the text, but stay columns', () => {
    expect(item(own, textFrom(undefined, undefined, ['document']))).toMatchObject({
      ...{ text: '{"text":"x","id":1}', own },
    })
    expect(item({ text: 'x', document: 'long' }, textFrom(undefined, undefined, ['document'])).text).toBe('x')
    expect(item(own, textFrom('text', undefined, ['document'])).text).toBe('x')
    expect(item(own, textFrom(undefined, '{{id}}: {{text}}', ['document'])).text).toBe('1: x')
    expect(hoisted(own, ['document', 'id', 'missing'])).toEqual({ id: 1, document: 'long' })
  })

  test('are needed, and are not in the text too', () => {
    expect(item({ text: 'x' }, textFrom('text', undefined, ['document'])).text).toMatchObject({
      ...{ code: 'missing_column', message: 'a.jsonl:7: there is no column "document"; there are: "text"' },
    })
    const twice = (name: string, flag: string) =>
      `--hoist: ${name} is in ${flag} too, so it would be sent twice`
    expect(() => textFrom('a', undefined, ['a'])).toThrow(twice('a', '--field'))
    expect(() => textFrom(undefined, '{{a}} {{b}}', ['b'])).toThrow(twice('b', '--template'))
    expect(() => columnList('--hoist', 'a,,b')).toThrow(
      '--hoist: expected names of columns, with commas between them',
    )
    expect(columnList('--hoist', 'a, b')).toEqual(['a', 'b'])
  })
})

describe("a record's own columns", () => {
  test('a text is a column, and an unreadable record is kept unchanged', () => {
    expect(item('hello').own).toEqual({ text: 'hello' })
    expect(item([1, 2]).own).toEqual({ _raw: '[1,2]' })
    const error = new RowError('invalid_json', 'a.jsonl', 7, 'no JSON')
    const bad = { file: 'a.jsonl', line: 7, error, end: 10, terminated: true }
    const text = textFrom(undefined, undefined)
    expect(toItem({ ...bad, raw: '{"a' }, 0, text, none)).toMatchObject({ own: { _raw: '{"a' }, text: error })
    expect(toItem({ ...bad, raw: Buffer.from([0xff, 0x41]) }, 0, text, none).own).toEqual({
      _raw_base64: '/0E=',
    })
    expect(toItem({ ...bad, raw: undefined }, 0, text, none).own).toEqual({})
  })

  test('the columns of an earlier run are left out, and values without a column come back', () => {
    expect(item({ id: 1, _index: 5, _error: { code: 'refused', message: '' } }).own).toEqual({ id: 1 })
    expect(item({ id: '1', _index: '5', _error: 'refused: no', _more: '{"extra":[1]}' }).own).toEqual({
      id: '1',
      extra: [1],
    })
    expect(item({ id: '1', _index: '5', _error: '', _more: '' }).own).toEqual({ id: '1' })
  })

  test('the text of a model in a rejected row is no part of the record', () => {
    const record = { text: 'x', _raw: 'splunk' }
    const written = outcomeRow({
      ...{ status: 'rejected', index: 5, record: { text: 'x' } },
      reason: { code: 'invalid_result', message: 'no', raw: '{"id":1}' },
    })
    expect(written).toHaveProperty('_raw', '{"id":1}')
    expect(item(written).own).toEqual({ text: 'x' })
    const { _index, _error, _raw } = written
    const more = { text: 'x', _index, _error: `invalid_result: ${(_error as { message: string }).message}` }
    expect(item({ ...more, _more: JSON.stringify({ _raw }) }).own).toEqual({ text: 'x' })
    // Rows of earlier versions had no text of a model.
    expect(item({ ...record, _index: 5, _error: { code: 'invalid_result', message: 'no' } }).own).toEqual(
      record,
    )
  })

  test.each<[string, object]>([
    ['an index of another kind', { _index: 'logs-2024' }],
    ['a part of an index', { _index: 1.5 }],
    ['an index below 0', { _index: -1 }],
    ['no index', { _error: 'refused: no' }],
    ['an error of another kind', { _index: 500, _error: 'mine' }],
    ['one with more in it', { _index: 500, _error: { code: 'refused', message: '', stack: 'x' } }],
    ['a number for an error', { _index: 500, _error: 7 }],
    ['more of another kind', { _index: 500, _error: '', _more: 'keep me' }],
    ['more that is torn', { _index: 500, _more: '{"a":' }],
    ['more that is a list', { _index: 500, _more: '[1]' }],
    ['more that is no text', { _index: 500, _more: { a: 1 } }],
  ])('that only look like columns of an earlier run are not dropped: %s', (_, columns) => {
    const record = { ...columns, text: 'a' }
    const { text, own } = item(record)
    expect(text).toMatchObject({ code: 'reserved_column' })
    expect((text as ItemError).message).toMatch(/^a\.jsonl:7: a column "_\w+" has a meaning in an output/)
    expect(own).toEqual({ _raw: JSON.stringify(record) })
  })

  test('a number that JavaScript cannot hold comes back from a table unchanged', () => {
    const more = '{"n":12345678901234567890,"a":[1e400,1.50]}'
    const { own } = item({ id: '1', _index: '5', _error: '', _more: more })
    expect(jsonlLine(own)).toBe('{"id":"1","n":12345678901234567890,"a":[1e400,1.5]}\n')
    const cell = '{"b":{"n":12345678901234567890}}'
    expect(item({ a: cell }, textFrom('a.b', undefined)).text).toBe('{"n":12345678901234567890}')
    expect(item({ a: cell }, textFrom('a.b.n', undefined)).text).toBe('12345678901234567890')
  })

  test('a column that the result has too makes a bad row', () => {
    const { text } = item({ id: 1, label: 'gold' }, undefined, new Set(['label']))
    expect(text).toMatchObject({ code: 'column_taken' })
    expect((text as ItemError).message).toContain('--prefix')
  })
})

describe('a row of an earlier run', () => {
  const asRead = (code: string) => [
    { _index: 1, _error: { code, message: 'a.jsonl:2: why: because' } },
    { id: '', text: '', _index: '1', _error: `${code}: a.jsonl:2: why: because`, _more: '' },
    { _raw: 'x', _index: 1, _error: { code, message: '' } },
  ]

  test.each([...rowErrorCodes, 'unreadable', 'not_a_record', 'reserved_column'])(
    'that was %s is not asked, with any names of columns',
    (code) => {
      for (const record of asRead(code)) expect(item(record).text).toMatchObject({ code: 'unreadable' })
    },
  )

  test.each([...recordErrorCodes, 'empty_text', 'missing_column', 'column_taken'])(
    'that was %s is asked, with any names of columns',
    (code) => {
      for (const record of asRead(code)) {
        expect(item({ ...record, text: 'x', _raw: 'splunk' }, textFrom('text', undefined)).text).toBe('x')
      }
    },
  )
})

test('columnNames has the columns of the table in order, without ours, and then values without a column', () => {
  const row = {
    ...(rowOf({ id: '1', 2024: 'a', 2023: 'b', _index: '5', _more: '{"c":1}' }) as GoodRow),
    columns: ['id', '2024', '2023', '_index', '_more'],
  }
  expect(columnNames(toItem(row, 0, textFrom(undefined, undefined), none))).toEqual([
    'id',
    '2024',
    '2023',
    'c',
  ])
  expect(columnNames(item({ b: 1, a: 2 }))).toEqual(['b', 'a'])
})

test('columnOf names the existing columns', () => {
  expect(() => columnOf({ id: 1, body: 2 }, 'text')).toThrow(
    'there is no column "text"; there are: "id", "body"',
  )
})
