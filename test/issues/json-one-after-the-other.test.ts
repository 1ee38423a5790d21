import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../helpers/properties.ts'
import { readAll, rowsOf, short, shortOf } from '../files/rows-of.ts'

const options = { isGuess: true, file: 'a.json' } as const
const everyByte = (text: string): number[] => Array.from({ length: Buffer.byteLength(text) }, (_, at) => at)
const noteOf = (text: string): string[] => {
  const notes: string[] = []
  rowsOf('json', text, { ...options, onNote: (note) => notes.push(note) })
  return notes
}

describe('a .json with values one after the other', () => {
  it.each([
    ['jq .', '{\n  "a": 1\n}\n{\n  "a": [\n    2\n  ]\n}\n', ['1: {"a":1}', '4: {"a":[2]}']],
    ['jq -c', '{"a":1}\n{"a":2}\n', ['1: {"a":1}', '2: {"a":2}']],
    ['jq . of an empty object', '{}\n{\n  "a": 1\n}\n', ['1: {}', '2: {"a":1}']],
    ['jq .text', '"a"\n"b\\n"\n', ['1: "a"', '2: "b\\n"']],
    ['jq -j', '{"a":1}{"a":2}', ['1: {"a":1}', '1: {"a":2}']],
    ['numbers', '1\n2\n', ['1: 1', '2: 2']],
    ['values on one line', '"a" 1 {"a":1} [2]', ['1: "a"', '1: 1', '1: {"a":1}', '1: [2]']],
    ['an array that lost its brackets', '{"a":1},\n{"a":2},\n', ['1: {"a":1}', '2: {"a":2}']],
    ['CRLF', '{\r\n"a": 1\r\n}\r\n{"a":2}\r\n', ['1: {"a":1}', '4: {"a":2}']],
    ['files that were put together', '\ufeff{\n"a":1\n}\n\ufeff{\n"a":2\n}', ['1: {"a":1}', '4: {"a":2}']],
    ['a mark at the end', '{"a":1} {"a":2}\ufeff', ['1: {"a":1}', '1: {"a":2}']],
    ['a mark in a value', '{\n"a":1\n}\n{\ufeff}', ['1: {"a":1}', '4: invalid_json "{\ufeff}"']],
    ['a null', 'null\n{"a":1}\n', ['1: null_record "null"', '2: {"a":1}']],
    [
      'a bad line',
      '{"a":1}\n{"a":2\n{"a":3}\n',
      ['1: {"a":1}', '2: invalid_json "{\\"a\\":2"', '3: {"a":3}'],
    ],
    [
      'a bad value over several lines',
      '{\n"a":1\n}\n{\n"a":2,\n}\n{\n"a":3\n}\n',
      ['1: {"a":1}', '4: invalid_json "{\\n\\"a\\":2,\\n}"', '7: {"a":3}'],
    ],
  ])('%s: each value is a record, with its line, however the bytes are cut', (_, text, expected) => {
    expect(shortOf('json', text, options)).toEqual(expected)
    expect(shortOf('json', text, { ...options, cuts: everyByte(text) })).toEqual(expected)
  })

  it('says so', () => {
    expect(noteOf('{\n"a":1}\n{"a":2}')).toEqual([
      'a.json: it has JSON values one after the other, and is no JSON array',
    ])
    expect(noteOf('{"a":1}\n{"a":2}')).toEqual([
      'a.json: it has a JSON value on each line, and is no JSON array',
    ])
  })

  it('that is cut off ends with an error, after the values before that place', () => {
    const { rows, error } = readAll('json', '{\n"a":1\n}\n{\n"a":', options)
    expect(rows.map(short)).toEqual(['1: {"a":1}'])
    const what =
      'element 2: expected JSON values, got the end of the file in it. The rest of the file is not read'
    expect(error).toMatchObject({ code: 'broken_array', message: `a.json:4: ${what}` })
  })

  it('measures a value that is too long without the mark before it', () => {
    const text = '{\n"a":1}\n\ufeff{"a":[1,\ufeff2]}'
    const { rows } = readAll('json', text, { ...options, maxRecordBytes: 10 })
    expect(rows.map((row) => row.error?.message)).toEqual([
      undefined,
      'a.json:3: element 2: expected at most 10 bytes (maxRecordBytes), got 14',
    ])
    expect(readAll('json', text, { ...options, maxRecordBytes: 10, cuts: everyByte(text) }).rows).toEqual(
      rows,
    )
  })

  it('may have values of many chunks, and values that are too long', () => {
    const long = { text: 'x'.repeat(200_000) }
    const text = `${JSON.stringify(long, undefined, 1)}\n{"a":1}`
    const cuts = Array.from({ length: 20 }, (_, i) => i * 10_000)
    expect(rowsOf('json', text, { ...options, cuts }).map(({ record }) => record)).toEqual([long, { a: 1 }])
    const limited = { ...options, cuts, maxRecordBytes: 100_000 }
    const expected = ['1: {"a":1}', '2: too_long nothing', '5: {"a":1}']
    expect(shortOf('json', `{"a":1}\n${text}`, limited)).toEqual(expected)
  })

  it('gives each value back', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.array(fc.constantFrom(1, '[', '}')),
    )
    const record = fc.record({ a: value, b: fc.record({ c: value }) })
    const file = fc.record({
      records: fc.array(record, { minLength: 2, maxLength: 5 }),
      indent: fc.constantFrom(0, 2, '\t'),
      between: fc.constantFrom('\n', '\r\n', ' ', '', '\n\n', ',\n'),
    })
    fc.assert(
      fc.property(file, fc.nat(), ({ records, indent, between }, cut) => {
        const texts = records.map((one) => JSON.stringify(one, undefined, indent))
        const text = texts.join(between)
        const lines = texts.map((_, at) => [...texts.slice(0, at), ''].join(between).split('\n').length)
        const cuts = [cut % (Buffer.byteLength(text) + 1)]
        const rows = rowsOf('json', text, { ...options, cuts })
        expect(rows.map((row) => row.record)).toEqual(records)
        expect(rows.map((row) => row.line)).toEqual(lines)
      }),
      { numRuns: runs(100) },
    )
  })
})

describe('a .json with one value', () => {
  it.each([
    '{}',
    '\ufeff{}\ufeff',
    '{\n"a":1}\n',
    '"a"',
    '1',
    'null',
    '<html>\n<body>\n',
    '{"a":1',
    'a b\nc\n',
  ])('is no sequence, however the bytes are cut: %j', (text) => {
    const { rows, error } = readAll('json', text, { ...options, cuts: everyByte(text) })
    expect(rows).toEqual([])
    expect(error?.message).toContain('a.json:1: expected a JSON array, got')
  })
})
