import { describe, expect, it } from 'vitest'
import { bytes, readAll, rowsOf, short, shortOf } from '../rows-of.ts'

const messages = (...args: Parameters<typeof rowsOf>): string[] =>
  rowsOf(...args).flatMap((row) => (row.error ? [row.error.message] : []))

describe('JSON Lines', () => {
  it('gives any JSON value, with blank lines skipped but counted, a byte order mark and CR dropped', () => {
    const text = '\ufeff{"a":1}\r\n\n  \t\n[2]\n"drei"\nfalse\n0\n\n{"last":true}'
    expect(shortOf('jsonl', text)).toEqual([
      '1: {"a":1}',
      '4: [2]',
      '5: "drei"',
      '6: false',
      '7: 0',
      '9: {"last":true}',
    ])
  })

  it.each([
    ['no JSON', '{"a":1', 'invalid_json', '"{\\"a\\":1"'],
    ['two values', '1 2', 'invalid_json', '"1 2"'],
    ['null', ' null', 'null_record', '" null"'],
    ['no UTF-8', bytes('"a', [0xe4], '"'), 'invalid_utf8', '<2261e422>'],
    ['half a character', bytes('"', [0xf0, 0x9f, 0x98], '"'), 'invalid_utf8', '<22f09f9822>'],
    ['a surrogate in UTF-8', bytes('"', [0xed, 0xa0, 0x80], '"'), 'invalid_utf8', '<22eda08022>'],
    ['more than the limit', `"${'x'.repeat(20)}"`, 'too_long', 'nothing'],
  ])('%s is a bad row, and the other rows are unchanged', (_, line, code, raw) => {
    const text = bytes('1\n', [...Buffer.from(line as string)], '\n2\n')
    expect(shortOf('jsonl', text, { maxRecordBytes: 20 })).toEqual(['1: 1', `2: ${code} ${raw}`, '3: 2'])
  })

  it('keeps `__proto__` as a property like any other', () => {
    const [row] = rowsOf('jsonl', '{"__proto__":{"a":1}}')
    expect(Object.keys(row?.record as object)).toEqual(['__proto__'])
  })

  it('says the place and the length, and does not show the text', () => {
    const text = `{"secret": sesame}\nnull\n"${'s'.repeat(30)}"\n{"secret" 1}`
    expect(messages('jsonl', text, { file: 'a.jsonl', maxRecordBytes: 20 })).toEqual([
      'a.jsonl:1: expected JSON, got something else',
      'a.jsonl:2: expected a record, got null',
      'a.jsonl:3: expected at most 20 bytes (maxRecordBytes), got 32',
      'a.jsonl:4: expected JSON, got something else at character 11',
    ])
  })

  it.each(['jsonl', 'json'] as const)('%s: refuses a value that cannot be written again', (format) => {
    const nested = (levels: number, open = '[', close = ']') => open.repeat(levels) + close.repeat(levels)
    const text = (...values: string[]) => (format === 'json' ? `[${values.join(',\n')}]` : values.join('\n'))
    const deep = [nested(1_001), nested(20_000), nested(501, '{"a":[', ']}'), `[${nested(1_000)}]`]
    const flat = [
      nested(1_000),
      nested(500, '{"a":[', ']}'),
      `[${Array<string>(2_000).fill('[]').join()}]`,
      JSON.stringify(['"\\'.repeat(300), '['.repeat(2_000)]),
    ]
    const rows = rowsOf(format, text(...deep, ...flat))
    expect(rows.map(({ error }) => error?.code)).toEqual([
      ...deep.map(() => 'too_deep'),
      ...flat.map(() => undefined),
    ])
    expect(rows.slice(deep.length).map(({ record }) => JSON.stringify(record))).toEqual(flat)
    expect(rows[1]).toMatchObject({
      raw: deep[1],
      error: {
        line: 2,
        message: expect.stringContaining('at most 1000 levels of arrays and objects') as string,
      },
    })
    const exactly = rowsOf(format, text(`[1e400,${nested(20_000)}]`, '1'), { exactNumbers: true })
    expect(exactly.map(({ error }) => error?.code)).toEqual(['too_deep', undefined])
  })

  it('takes a row of exactly the limit', () => {
    expect(shortOf('jsonl', '12345\n123456\n', { maxRecordBytes: 5 })).toEqual([
      '1: 12345',
      '2: too_long nothing',
    ])
  })
})

describe('lines', () => {
  it('are strings, including spaces at both ends', () => {
    expect(shortOf('lines', ' one \r\n\n \t\ntwo')).toEqual(['1: " one "', '4: "two"'])
  })

  it('can be bad rows as well', () => {
    expect(shortOf('lines', bytes('a\n', [0xff], '\nabcdef\nb'), { maxRecordBytes: 5 })).toEqual([
      '1: "a"',
      '2: invalid_utf8 <ff>',
      '3: too_long nothing',
      '4: "b"',
    ])
  })
})

describe('CSV', () => {
  it('gives objects of strings', () => {
    const text = '\ufeffid,text\r\n1,plain\r\n\r\n2,"a ""b"", c\r\nd"\r\n3,\r\n"4",last'
    expect(shortOf('csv', text)).toEqual([
      '2: {"id":"1","text":"plain"}',
      '4: {"id":"2","text":"a \\"b\\", c\\r\\nd"}',
      '6: {"id":"3","text":""}',
      '7: {"id":"4","text":"last"}',
    ])
  })

  it('has a row for each line that is not blank, with any fields', () => {
    expect(shortOf('csv', 'a\n""\n\n  \n" "\n')).toEqual(['2: {"a":""}', '5: {"a":" "}'])
    expect(shortOf('tsv', 'a\tb\n\t\n\n"x\ty"\t2\n', { quote: true })).toEqual([
      '2: {"a":"","b":""}',
      '4: {"a":"x\\ty","b":"2"}',
    ])
    expect(shortOf('csv', 'a;b\n1;2,3\n', { delimiter: ';' })).toEqual(['2: {"a":"1","b":"2,3"}'])
  })

  it('keeps the order of the columns, in one frozen array', () => {
    for (const [format, between] of [
      ['csv', ','],
      ['tsv', '\t'],
    ] as const) {
      const text = 'id,2024,2023\n1,a,b\n2,c\n3,d,e\n'.replaceAll(',', between)
      const rows = rowsOf(format, text, { cuts: [25] })
      expect(rows.map((row) => (row.error ? row.error.code : row.columns))).toEqual([
        ['id', '2024', '2023'],
        'wrong_column_count',
        ['id', '2024', '2023'],
      ])
      const [first, last] = [rows[0], rows[2]] as { columns: readonly string[] }[]
      expect(first?.columns).toBe(last?.columns)
      expect(first?.columns).toSatisfy(Object.isFrozen)
    }
    expect(rowsOf('jsonl', '{"a":1}')[0]).not.toHaveProperty('columns')
  })

  it('accepts any name for a column', () => {
    const [row] = rowsOf('csv', '__proto__,constructor\n1,2\n')
    expect(Object.entries(row?.record as object)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
    expect(Object.getPrototypeOf(row?.record)).toBe(Object.prototype)
  })

  it.each([
    ['too few fields', '1', 'wrong_column_count', '"1"'],
    ['too many fields', '1,2,3', 'wrong_column_count', '"1,2,3"'],
    ['too many over two lines', '1,"2\n",3', 'wrong_column_count', '"1,\\"2\\n\\",3"'],
    ['a quote inside a field', '5" pipe,2', 'invalid_csv', '"5\\" pipe,2"'],
    ['quotes inside a field', 'the "x",2', 'invalid_csv', '"the \\"x\\",2"'],
    ['text behind a closing quote', '"1"x,2', 'invalid_csv', '"\\"1\\"x,2"'],
    ['a quote that is not closed', '1,"2', 'invalid_csv', '"1,\\"2"'],
    ['no UTF-8', bytes('1,"', [0xe4], ',\n"'), 'invalid_utf8', '<312c22e42c0a22>'],
    ['more than the limit', `1,"${'x'.repeat(20)}"`, 'too_long', 'nothing'],
  ])('%s: a bad row, and the other rows are unchanged', (_, line, code, raw) => {
    const text = bytes('id,text\n0,"ä"\n', [...Buffer.from(line as string)], '\n8,"eight"\n9,\n')
    const rows = shortOf('csv', text, { maxRecordBytes: 20 })
    expect(rows[0]).toBe('2: {"id":"0","text":"ä"}')
    expect(rows[1]).toBe(`3: ${code} ${raw}`)
    const next =
      3 +
      Buffer.from(line as string)
        .toString()
        .split('\n').length
    expect(rows.slice(2)).toEqual([`${next}: {"id":"8","text":"eight"}`, `${next + 1}: {"id":"9","text":""}`])
  })

  it('says the number of columns, and does not show the text', () => {
    expect(messages('csv', 'a,b\nsecret\n"secret"x,2\n', { file: 'a.csv' })).toEqual([
      'a.csv:2: expected 2 columns, as in the header, got 1',
      'a.csv:3: a quote is out of place, or not closed',
    ])
  })

  it('loses one line to a quote that is never closed, with any number of lines after it', () => {
    const lines = Array.from({ length: 2_000 }, (_, i) => `${i},x`)
    const rows = shortOf('csv', `id,text\n0,"open\n${lines.join('\n')}`)
    expect(rows[0]).toBe('2: invalid_csv "0,\\"open"')
    expect(rows.slice(1)).toEqual(lines.map((_, i) => `${i + 3}: {"id":"${i}","text":"x"}`))
  })

  it('does not search the end of a row beyond the limit', () => {
    const lines = Array.from({ length: 50 }, (_, i) => `${i},x`)
    const text = `id,text\n0,"open\n${lines.join('\n')}\n1,"b"\n`
    const reader = shortOf('csv', text, { maxRecordBytes: 40, cuts: [60] })
    expect(reader[0]).toBe('2: invalid_csv "0,\\"open"')
    expect(reader.slice(1)).toEqual([
      ...lines.map((_, i) => `${i + 3}: {"id":"${i}","text":"x"}`),
      '53: {"id":"1","text":"b"}',
    ])
  })

  it('reads the lines inside a broken row again, also if the row was too long', () => {
    const text = `a\n"x\n"y\n1\n2\n3\n${'z'.repeat(30)}\n5\n`
    const expected = [
      '2: invalid_csv "\\"x"',
      '3: invalid_csv "\\"y"',
      '4: {"a":"1"}',
      '5: {"a":"2"}',
      '6: {"a":"3"}',
      '7: too_long nothing',
      '8: {"a":"5"}',
    ]
    for (const cuts of [[], [35], [text.length - 3]]) {
      expect(shortOf('csv', text, { maxRecordBytes: 8, cuts })).toEqual(expected)
    }
  })

  it('reads a long field whose lines are not rows as a field', () => {
    const text = `id,text\n0,"${'all of, this, is\none text\n'.repeat(50)}"\n1,b\n`
    expect(shortOf('csv', text, { maxRecordBytes: 200 })).toEqual([
      '2: too_long nothing',
      '103: {"id":"1","text":"b"}',
    ])
    expect(messages('csv', text, { maxRecordBytes: 200 })).toEqual([
      'f:2: expected at most 200 bytes (maxRecordBytes), got 1304 over 101 lines',
    ])
  })

  it('reads good rows after several broken rows in a row', () => {
    const text = 'a,b\n"x\n"y,1\n"z"w,1\n1,2\n""",\n"p"q,"\n"r\n",3\n4,"5'
    expect(shortOf('csv', text)).toEqual([
      '2: invalid_csv "\\"x"',
      '3: invalid_csv "\\"y,1"',
      '4: invalid_csv "\\"z\\"w,1"',
      '5: {"a":"1","b":"2"}',
      '6: invalid_csv "\\"\\"\\","',
      '7: invalid_csv "\\"p\\"q,\\""',
      '8: {"a":"r\\n","b":"3"}',
      '10: invalid_csv "4,\\"5"',
    ])
  })

  it.each([
    ['no name', '\n,\n1,2\n', 'f:2: expected names of columns, got none'],
    [
      'a quote out of place',
      'a"b,c\n',
      "f:1: the header can't be read: a quote is out of place, or not closed",
    ],
    [
      'a quote that is not closed',
      'a,"b\n1,2',
      "f:1: the header can't be read: a quote is out of place, or not closed",
    ],
    [
      'no UTF-8',
      bytes([0xe4], ',b\n'),
      "f:1: the header can't be read: expected UTF-8, got bytes that are not. If it is another encoding, such as windows-1252, name it (encoding)",
    ],
    [
      'more than the limit',
      'abcdefghijk\n',
      "f:1: the header can't be read: expected at most 10 bytes (maxRecordBytes), got 11",
    ],
  ])('a header with %s makes the file unreadable', (_, text, message) => {
    const read = () => rowsOf('csv', text, { maxRecordBytes: 10 })
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_header', message }))
  })
})

describe('a JSON array', () => {
  it('gives its elements', () => {
    const text = '\ufeff [\n{"a":[1,"]",{}]},\r\n"x\\"],",3 ,\n\n[ ]\n]\n'
    expect(shortOf('json', text)).toEqual(['2: {"a":[1,"]",{}]}', '3: "x\\"],"', '3: 3', '5: []'])
    expect(shortOf('json', ' [ ] ')).toEqual([])
  })

  it.each([
    ['null', 'null', 'null_record', '"null"'],
    ['no UTF-8', bytes('"', [0xe4], '"'), 'invalid_utf8', '<22e422>'],
    [
      'more than the limit',
      `"${'x],["'.repeat(10)}"`.replaceAll(/"(?!$)/g, '\\"').replace('\\"', '"'),
      'too_long',
      'nothing',
    ],
  ])('%s as an element: a bad row, and the other rows are unchanged', (_, element, code, raw) => {
    const text = bytes('[1,\n', [...Buffer.from(element as string)], ',2]')
    expect(shortOf('json', text, { maxRecordBytes: 20 })).toEqual(['1: 1', `2: ${code} ${raw}`, '2: 2'])
  })

  it.each([
    ['no JSON', '{bad}', '{bad}'],
    ['no JSON over two lines', '{"a":\n[1,],"b":"]"}', '{"a":\n[1,],"b":"]"}'],
    ['quotes in a text', '{"a":"say "hi" now"}', '{"a":"say "hi" now"}'],
    ['a line break in a text', '"a\nb"', '"a\nb"'],
    ['a word', 'NaN', 'NaN'],
    ['nothing', '', ''],
  ])('%s as an element is one bad row, and reading goes on', (_, element, raw) => {
    const line = 3 + element.split('\n').length - 1
    for (const [text, last] of [
      [`[1,\n${element},\n[3],"4"]`, [`${line}: [3]`, `${line}: "4"`]],
      [`[1,\n${element}]\n`, []],
    ] as const) {
      expect(shortOf('json', text)).toEqual(['1: 1', `2: invalid_json ${JSON.stringify(raw)}`, ...last])
    }
  })

  it('goes on after bytes that are not text', () => {
    expect(shortOf('json', bytes('[1,\n', [0xff], ',{"a":', [0xff], '},2]'))).toEqual([
      '1: 1',
      '2: invalid_utf8 <ff>',
      '2: invalid_utf8 <7b2261223aff7d>',
      '2: 2',
    ])
  })

  it.each([
    [
      'no comma',
      '[1,\n2 3,4]',
      2,
      'element 2: expected a JSON array, got something else than JSON, and a comma seems to be missing',
    ],
    ['no comma between objects', '[1,\n{"a":1}\n{"a":2},4]', 2, 'a comma seems to be missing'],
    ['garbage behind an object', '[1,\n{"a":1}x,4]', 2, 'a comma seems to be missing'],
    ['a text behind a word', '[1,\nx"a",4]', 2, 'a comma seems to be missing'],
    ['a brace too many', '[1,\n2},3]', 2, 'element 2: expected a JSON array, got a brace too many'],
    ['a bracket of the wrong kind', '[1,\n[2},3]', 2, 'its brackets do not belong together'],
    [
      'many brackets of the wrong kind',
      `[1,\n${'['.repeat(2_000)}${'}'.repeat(2_000)},3]`,
      2,
      'its brackets do not belong together',
    ],
    [
      'its end in an element',
      '[1,\n{"a":"b',
      2,
      'element 2: expected a JSON array, got the end of the file in it',
    ],
    ['a text that is not closed', '[1,\n{"a":"b},\n2]', 2, 'got the end of the file in it'],
    [
      'its end behind an element',
      '[1\n',
      1,
      'element 1: expected a JSON array, got the end of the file in it',
    ],
    ['its end behind a comma', '[1,\n', 2, 'got the end of the file in it'],
    ['an object behind it', '[1]\n{}', 2, 'expected a JSON array, got more behind its end'],
    ['a bracket too many', '[1]\n]', 2, 'got more behind its end'],
  ])('%s: the rows before it, and then an error for the rest', (name, text, line, message) => {
    const { rows, error } = readAll('json', text, { file: 'a.json' })
    expect(rows.map(short)).toEqual(name === 'its end behind an element' ? [] : ['1: 1'])
    expect(error).toMatchObject({ name: 'RowError', code: 'broken_array', file: 'a.json', line })
    expect(error!.message).toMatch(new RegExp(`^a\\.json:${line}: `))
    expect(error!.message).toContain(`${message}. The rest of the file is not read`)
  })

  it.each(['{"a":[1]}', '1', 'null', '{"a":1}\n{"a":2}'])('must be an array: %s', (text) => {
    const error = { code: 'not_an_array', line: 1 }
    expect(readAll('json', text)).toMatchObject({ rows: [], error })
  })

  it('names the element', () => {
    expect(messages('json', '[1,null,{"secret":sesame},2]', { file: 'a.json' })).toEqual([
      'a.json:1: element 2: expected a record, got null',
      'a.json:1: element 3: expected JSON, got something else',
    ])
    expect(() => rowsOf('json', '{}')).toThrow(
      'f:1: expected a JSON array, got an object without an array. If each line is a JSON value, the format is jsonl. The rest of the file is not read',
    )
  })
})

describe.each(['jsonl', 'json', 'csv', 'tsv', 'lines'] as const)('%s', (format) => {
  it('that is empty, or has only blank lines, has no rows', () => {
    for (const text of ['', '\ufeff', '\n', '\r\n\n', '\ufeff\n']) expect(rowsOf(format, text)).toEqual([])
  })
})

it('a row of a TSV that quotes surround is bad, and its error names the option', () => {
  expect(messages('tsv', 'id\ttext\n1\ttwo "\n2\t"two\nlines"\n')[0]).toContain(
    'If quotes surround its cells, as in CSV, say so (quote)',
  )
})

describe('JSON values over several lines', () => {
  const everyByte = (text: string) => Array.from({ length: Buffer.byteLength(text) }, (_, at) => at)

  it('end with the same error, however the bytes are cut', () => {
    const text = '{\n}é[][{\n}'
    const { rows, error } = readAll('jsonl', text)
    expect(rows.map(short)).toEqual(['1: {}'])
    expect(error?.message).toContain('a comma seems to be missing')
    expect(readAll('jsonl', text, { cuts: everyByte(text) })).toEqual({ rows, error })
  })

  it('go on behind a value that is too long, however the bytes are cut', () => {
    const text = '{\n}12345678,\n{}'
    const expected = ['1: {}', '2: too_long nothing', '3: {}']
    expect(shortOf('jsonl', text, { maxRecordBytes: 6 })).toEqual(expected)
    expect(shortOf('jsonl', text, { maxRecordBytes: 6, cuts: everyByte(text) })).toEqual(expected)
  })
})
