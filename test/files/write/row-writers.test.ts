import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordError, type Outcome } from 'llm-pack-stream'
import {
  csvHeader,
  csvLine,
  jsonlLine,
  outcomeRow,
  writeCsv,
  writeJsonl,
  writeOutcomes,
} from 'llm-pack-stream/readers'
import { rowsOf } from '../rows-of.ts'

const records = (...args: Parameters<typeof rowsOf>): unknown[] =>
  rowsOf(...args).map((row) => row.error?.message ?? row.record)

const nasty = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '   ',
    '"',
    '""',
    ',',
    '\n',
    '\r',
    '\r\n',
    '\t',
    '\ufeff',
    '\ufeffx',
    'a"b',
    '\0',
    '=1+2',
    "'",
    'null',
  ),
  fc.string({ unit: 'binary' }).map((string) => string.toWellFormed()),
)
const columnName = nasty.filter((name) => name !== '' && !name.includes('\r'))

describe('written rows', () => {
  it.each([',', ';', '\t', '|'])('as CSV with %j are read back unchanged', (delimiter) => {
    fc.assert(
      fc.property(
        fc.uniqueArray(columnName, { minLength: 1, maxLength: 4 }),
        fc.array(fc.array(nasty, { minLength: 4, maxLength: 4 }), { maxLength: 5 }),
        (columns, values) => {
          const rows = values.map((fields) =>
            Object.fromEntries(columns.map((name, at) => [name, fields[at]!])),
          )
          const csv =
            csvHeader(columns, delimiter) + rows.map((row) => csvLine(row, columns, delimiter)).join('')
          expect(records('csv', csv, { delimiter })).toEqual(rows)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('as JSON Lines are read back unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        const expected = values.filter((value) => value !== null)
        expect(records('jsonl', expected.map(jsonlLine).join(''))).toEqual(
          JSON.parse(JSON.stringify(expected)),
        )
      }),
    )
  })
})

describe('jsonlLine', () => {
  it('writes values that JSON lacks in a JSON form', () => {
    expect(jsonlLine({ big: 12n, deep: [{ n: 1n }], at: new Date(0), none: undefined })).toBe(
      '{"big":"12","deep":[{"n":"1"}],"at":"1970-01-01T00:00:00.000Z"}\n',
    )
    expect(() => jsonlLine(undefined)).toThrow('Expected a value that JSON has, got undefined')
  })
})

describe('csvLine', () => {
  it('writes values as text', () => {
    const row = {
      a: 'x,y',
      b: 1.5,
      c: true,
      d: null,
      e: undefined,
      f: { g: [1n] },
      h: new Date(0),
      i: 7n,
      j: [],
    }
    expect(csvLine(row, [...Object.keys(row), 'k'])).toBe(
      '"x,y",1.5,true,,,"{""g"":[""1""]}",1970-01-01T00:00:00.000Z,7,[],\n',
    )
  })

  it('writes an error as its code and message', () => {
    expect(csvLine({ _error: { code: 'refused', message: 'No.' } }, ['_error'])).toBe('refused: No.\n')
    expect(csvLine({ _error: 'refused: No.' }, ['_error'])).toBe('refused: No.\n')
  })

  it('puts values without a column into `_more`, and throws if there is no `_more`', () => {
    const row = { a: 1, b: 2, c: undefined, d: null }
    expect(csvLine(row, ['a', '_more'])).toBe('1,"{""b"":2,""d"":null}"\n')
    expect(csvLine({ a: 1, c: undefined }, ['a'])).toBe('1\n')
    expect(() => csvLine(row, ['a'])).toThrow('There is no column for `b`, `d`, and no `_more`')
  })

  it('keeps a `_more` that the row has', () => {
    expect(csvLine({ a: 1, _more: '{"b":2}' }, ['a', '_more'])).toBe('1,"{""b"":2}"\n')
    expect(csvLine({ a: 1, _more: 'x', c: 3 }, ['a', '_more'])).toBe('1,"{""_more"":""x"",""c"":3}"\n')
    expect(csvLine({ a: 1, _more: '', c: 3 }, ['a', '_more'])).toBe('1,"{""c"":3}"\n')
  })
})

describe('csvHeader', () => {
  it('refuses columns that cannot be read back', () => {
    expect(() => csvHeader(['a', 'b', 'a'])).toThrow("Expected different column names, got 'a' twice")
    expect(() => csvHeader(['a', ''])).toThrow('Expected a name for each column, got an empty one')
    expect(() => csvHeader([])).toThrow('Expected a name for each column')
  })
})

const fulfilled = (index: number, record: unknown, value: unknown): Outcome<unknown, unknown> => ({
  status: 'fulfilled',
  index,
  record,
  value,
  attempts: 1,
})
const rejected = (index: number, record: unknown): Outcome<unknown, unknown> => ({
  status: 'rejected',
  index,
  record,
  reason: new RecordError('refused', 'The model refused'),
  attempts: 1,
})

describe('outcomeRow', () => {
  it.each([
    ['an object', { a: 1 }, { a: 1 }],
    ['a string', 'hi', { text: 'hi' }],
    ['anything else', [1], { record: [1] }],
  ])('has the columns of %s', (_, record, columns) => {
    expect(outcomeRow(rejected(3, record))).toEqual({
      ...columns,
      _index: 3,
      _error: { code: 'refused', message: 'The model refused' },
    })
  })

  it('has the fields of the result behind the prefix', () => {
    expect(outcomeRow(fulfilled(0, 'hi', { label: 'x', sure: 1 }))).toEqual({
      text: 'hi',
      label: 'x',
      sure: 1,
      _index: 0,
    })
    expect(outcomeRow(fulfilled(0, 'hi', { label: 'x' }), { prefix: 'my_' })).toEqual({
      text: 'hi',
      my_label: 'x',
      _index: 0,
    })
    expect(outcomeRow(fulfilled(0, 'hi', 'x'), { prefix: 'my_' })).toEqual({
      text: 'hi',
      my_result: 'x',
      _index: 0,
    })
    expect(outcomeRow(fulfilled(0, 'hi', ['x']))).toEqual({ text: 'hi', result: ['x'], _index: 0 })
    expect(outcomeRow(fulfilled(0, 'hi', null))).toEqual({ text: 'hi', result: null, _index: 0 })
  })

  it('does not overwrite a column', () => {
    const both = () => outcomeRow(fulfilled(0, { label: 'old' }, { label: 'new' }))
    expect(both).toThrow(/^Two columns are called `label`\. .*`prefix`/)
    expect(outcomeRow(fulfilled(0, { label: 'old' }, { label: 'new' }), { prefix: 'new_' })).toMatchObject({
      label: 'old',
      new_label: 'new',
    })
    expect(() => outcomeRow(fulfilled(0, { _index: 1 }, 'x'))).toThrow('Two columns are called `_index`')
    expect(() => outcomeRow(fulfilled(0, {}, { _index: 1 }))).toThrow('Two columns are called `_index`')
    expect(() => outcomeRow(rejected(0, { _error: 1 }))).toThrow('Two columns are called `_error`')
    expect(() => outcomeRow(fulfilled(0, { _error: '' }, 'x'))).toThrow('Two columns are called `_error`')
    expect(() => outcomeRow(fulfilled(0, {}, { error: 1 }), { prefix: '_' })).toThrow(
      'Two columns are called `_error`',
    )
  })

  it('has `__proto__` as a column like any other', () => {
    const row = outcomeRow(fulfilled(0, JSON.parse('{"__proto__":1}'), 'x'))
    expect(Object.entries(row)).toEqual([
      ['__proto__', 1],
      ['result', 'x'],
      ['_index', 0],
    ])
  })
})

describe('writers', () => {
  it('write JSON Lines', async () => {
    expect(await text(Readable.from([{ a: 1 }, 'x', 1n]).pipe(writeJsonl()))).toBe('{"a":1}\n"x"\n"1"\n')
  })

  it('write CSV with the columns of the first row, and other values in `_more`', async () => {
    const rows = [{ a: 1 }, { a: 2, b: 3 }]
    expect(await text(Readable.from(rows).pipe(writeCsv()))).toBe('a,_more\n1,\n2,"{""b"":3}"\n')
    expect(await text(Readable.from([]).pipe(writeCsv()))).toBe('')
  })

  it('write CSV with given columns', async () => {
    const options = { columns: ['b', 'a'], delimiter: ';' }
    expect(await text(Readable.from([{ a: 1, b: 2 }]).pipe(writeCsv(options)))).toBe('b;a\n2;1\n')
    expect(await text(Readable.from([]).pipe(writeCsv(options)))).toBe('b;a\n')
    await expect(pipeline(Readable.from([{ c: 1 }]), writeCsv(options), text)).rejects.toThrow(
      'no column for `c`',
    )
  })

  it('write outcomes', async () => {
    const outcomes = [fulfilled(0, 'hi', { label: 'x' }), rejected(1, 'ho')]
    const error = '{"code":"refused","message":"The model refused"}'
    expect(await text(Readable.from(outcomes).pipe(writeOutcomes()))).toBe(
      `{"text":"hi","label":"x","_index":0}\n{"text":"ho","_index":1,"_error":${error}}\n`,
    )
    expect(await text(Readable.from(outcomes).pipe(writeOutcomes({ format: 'tsv' })))).toBe(
      'text\tlabel\t_index\t_error\t_more\nhi\tx\t0\t\t\nho\t\t1\trefused: The model refused\t\n',
    )
  })

  it('take the columns of the first fulfilled outcome, and keep the order', async () => {
    const outcomes = [rejected(0, 'a'), rejected(1, 'b'), fulfilled(2, 'c', { label: 'x' }), rejected(3, 'd')]
    const csv = await text(Readable.from(outcomes).pipe(writeOutcomes({ format: 'csv' })))
    expect(csv.split('\n').map((line) => line.split(',')[0])).toEqual(['text', 'a', 'b', 'c', 'd', ''])
    expect(csv).toMatch(/^text,label,_index,_error,_more\n/)
  })

  it('wait for at most 1,000 rejected outcomes', async () => {
    const writer = writeOutcomes({ format: 'csv' })
    const written: string[] = []
    writer.on('data', (some: Buffer) => written.push(String(some)))
    const write = (index: number) => new Promise((resolve) => writer.write(rejected(index, 'a'), resolve))
    for (let i = 0; i < 999; i++) await write(i)
    expect(written).toEqual([])
    await write(999)
    expect(written.join('').split('\n')).toHaveLength(1_002)
  })

  it('write outcomes that are all rejected', async () => {
    const csv = await text(Readable.from([rejected(0, 'a')]).pipe(writeOutcomes({ format: 'csv' })))
    expect(csv).toBe('text,_index,_error,_more\na,0,refused: The model refused,\n')
  })

  it('write outcomes with the given columns, and the columns that every outcome may need', async () => {
    const outcomes = [fulfilled(0, { a: 1, 2024: 'y' }, { label: 'x' }), rejected(1, { a: 2, b: 3 })]
    const csv = await text(
      Readable.from(outcomes).pipe(writeOutcomes({ format: 'csv', columns: ['a', '2024', 'label'] })),
    )
    expect(csv).toBe(
      'a,2024,label,_index,_error,_more\n1,y,x,0,,\n2,,,1,refused: The model refused,"{""b"":3}"\n',
    )
    const columns = ['_more', '_error', 'text', '_index']
    const own = await text(Readable.from([rejected(0, 'a')]).pipe(writeOutcomes({ format: 'tsv', columns })))
    expect(own).toBe('_more\t_error\ttext\t_index\n\trefused: The model refused\ta\t0\n')
  })

  it('refuse columns that cannot be read back, before the first row', () => {
    expect(() => writeCsv({ columns: ['a', 'a'] })).toThrow("got 'a' twice")
    expect(() => writeOutcomes({ format: 'csv', columns: ['a', 'b', 'a'] })).toThrow("got 'a' twice")
    expect(() => writeCsv({ columns: [] })).toThrow('Expected a name for each column')
  })

  it.each([
    ['xml', "'xml' (string)"],
    ['toString', "'toString' (string)"],
    [null, 'null'],
    [1n, '1 (bigint)'],
  ])('refuse the format %s', (format, shown) => {
    expect(() => writeOutcomes({ format: format as 'jsonl' })).toThrow(
      expect.objectContaining({
        ...{ name: 'TypeError', option: 'format' },
        message: `Expected \`format\` to be one of jsonl, json, csv, tsv, got ${shown}`,
      }),
    )
  })

  it.each(['jsonl', 'csv'] as const)('write all %s before an outcome that they refuse', async (format) => {
    const good = Array.from({ length: 3_000 }, (_, i) => fulfilled(i, 'a', { label: 'x' }))
    const clash = fulfilled(3_000, { label: 'old' }, { label: 'new' })
    const held = [rejected(0, 'a'), rejected(1, 'b')]
    for (const outcomes of [good, good.slice(0, 1), held, []]) {
      let written = ''
      const writing = pipeline(
        Readable.from([...outcomes, clash, ...good]),
        writeOutcomes({ format }),
        async (texts: AsyncIterable<Buffer>) => {
          for await (const some of texts) written += String(some)
        },
      )
      await expect(writing).rejects.toThrow('Two columns are called `label`')
      const lines = written.split('\n').slice(0, -1)
      expect(lines).toHaveLength(outcomes.length + (format === 'csv' && outcomes.length > 0 ? 1 : 0))
    }
  })

  it('fail if two columns would have the same name', async () => {
    const outcomes = Readable.from([fulfilled(0, { label: 'old' }, { label: 'new' })])
    await expect(pipeline(outcomes, writeOutcomes(), text)).rejects.toThrow('Two columns are called `label`')
  })
})
