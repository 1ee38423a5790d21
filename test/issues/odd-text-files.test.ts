import { describe, expect, test } from 'vitest'
import { atOnce, Workplace } from '../helpers/cli.ts'

const task = [
  ...['--labels', 'labels.txt', '--prompt', 'Say what it is about.', '--model', 'm'],
  ...['-o', 'out.jsonl', '--ordered', ...atOnce],
]
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')

/** Runs the records of a file. Returns their own columns, and what the run says about the file. */
async function recordsOf(name: string, content: string | Uint8Array, ...flags: string[]) {
  using place = new Workplace({ [name]: content, 'labels.txt': 'card\nfee\n' })
  const { code, stderr } = await place.run(['run', name, ...task, ...flags])
  if (code === 2) return { code, stderr }
  const rows = place.rows('out.jsonl').map((row) => {
    const own = Object.entries(row).filter(([column]) => column !== '_index' && column !== 'label')
    return Object.fromEntries(own)
  })
  return { code, rows, notes: stderr.split('\n').filter((line) => line.startsWith(`${name}: `)) }
}

const card = { id: '1', text: 'Where is my card?' }
const fee = { id: '2', text: 'What a fee' }

describe('a run reads', () => {
  test.each<[string, string, string | Uint8Array, string[], string?]>([
    ['UTF-16 of PowerShell', 'a.csv', utf16('id,text\r\n1,Where is my card?\r\n2,What a fee\r\n'), []],
    [
      'UTF-16 without a mark',
      'a.csv',
      Buffer.from('id,text\n1,Where is my card?\n2,What a fee\n', 'utf16le'),
      [],
    ],
    [
      'UTF-16 of a big-endian computer',
      'a.csv',
      utf16('id,text\n1,Where is my card?\n2,What a fee\n').swap16(),
      [],
    ],
    ['CR line ends', 'a.csv', 'id,text\r1,Where is my card?\r2,What a fee\r', []],
    ['CRCRLF line ends', 'a.csv', 'id,text\r\r\n1,Where is my card?\r\r\n2,What a fee\r\r\n', []],
    ['a stated delimiter', 'a.csv', 'id|text\n1|Where is my card?\n2|What a fee\n', ['--delimiter', '|']],
    ['the line of Excel', 'a.csv', 'sep=;\r\nid;text\r\n1;Where is my card?\r\n2;What a fee\r\n', []],
    [
      'the line of PowerShell',
      'a.csv',
      '#TYPE System.Object\r\n"id","text"\r\n"1","Where is my card?"\r\n"2","What a fee"\r\n',
      [],
    ],
    [
      'the line of PowerShell above semicolons',
      'a.csv',
      '#TYPE System.Object\r\n"id";"text"\r\n"1";"Where is my card?"\r\n"2";"What a fee"\r\n',
      [],
      'a.csv: its header has no comma, so ";" separates its columns (--delimiter)',
    ],
    [
      'semicolons',
      'a.csv',
      'id;text\n1;"Where is my card?"\n2;What a fee\n',
      [],
      'a.csv: its header has no comma, so ";" separates its columns (--delimiter)',
    ],
    [
      'tabs in a .csv',
      'a.csv',
      'id\ttext\n1\tWhere is my card?\n2\tWhat a fee\n',
      [],
      'a.csv: its header has no comma, so a tab separates its columns (--delimiter)',
    ],
    [
      'two tables that were put together',
      'a.csv',
      '\ufeffid,text\n1,Where is my card?\n\ufeffid,text\n2,What a fee\n',
      [],
    ],
    ['empty columns at the end', 'a.csv', 'id,text,,\n1,Where is my card?,,\n2,What a fee\n', []],
    [
      'JSON lines, each with its byte order mark',
      'a.jsonl',
      '\ufeff{"id":"1","text":"Where is my card?"}\n\ufeff{"id":"2","text":"What a fee"}\n',
      [],
    ],
    [
      'an array in a .jsonl',
      'a.jsonl',
      `[\n${JSON.stringify(card)},\n${JSON.stringify(fee)}\n]\n`,
      [],
      'a.jsonl: it is a JSON array, and not a JSON value on each line',
    ],
    [
      'an array in one line of a .jsonl',
      'a.jsonl',
      JSON.stringify([card, fee]),
      [],
      'a.jsonl: it is a JSON array, and not a JSON value on each line',
    ],
    [
      'objects that jq wrote over several lines',
      'a.jsonl',
      `${JSON.stringify(card, undefined, 2)}\n${JSON.stringify(fee, undefined, 2)}\n`,
      [],
      'a.jsonl: its JSON values have line ends in them',
    ],
    [
      'JSON lines in a .json',
      'a.json',
      `${JSON.stringify(card)}\n${JSON.stringify(fee)}\n`,
      [],
      'a.json: it has a JSON value on each line, and is no JSON array',
    ],
    [
      'objects that jq wrote into a .json',
      'a.json',
      `${JSON.stringify(card, undefined, 2)}\n${JSON.stringify(fee, undefined, 2)}\n`,
      [],
      'a.json: it has JSON values one after the other, and is no JSON array',
    ],
    [
      'an array within a document',
      'a.json',
      JSON.stringify({ meta: { items: 2 }, data: { items: [card, fee] } }),
      ['--select', 'data.items'],
    ],
  ])('%s', async (_, name, content, flags, note) => {
    expect(await recordsOf(name, content, ...flags)).toEqual({
      code: 0,
      rows: [card, fee],
      notes: note === undefined ? [] : [note],
    })
  })

  test.each([
    ['windows-1252', [0x80, 0x31, 0x20, 0x63, 0x61, 0x66, 0xe9], '€1 café'],
    ['shift_jis', [0x83, 0x4a, 0x81, 0x5b, 0x83, 0x68], 'カード'],
    ['gb18030', [0xbf, 0xa8], '卡'],
  ])('%s by its name', async (encoding, bytes, text) => {
    const content = Buffer.concat([Buffer.from('id,text\n1,'), Buffer.from(bytes), Buffer.from('\n')])
    const { rows } = await recordsOf('a.csv', content, '--encoding', encoding)
    expect(rows).toEqual([{ id: '1', text }])
  })

  test('quotes in a TSV as characters, and as quotes with --quote', async () => {
    const content = 'id\ttext\n1\t"Where is my card\n2\tWhat a fee\n3\tcard and fee"\n4\tok\n'
    const { rows } = await recordsOf('a.tsv', content)
    expect(rows?.map(({ text }) => text)).toEqual(['"Where is my card', 'What a fee', 'card and fee"', 'ok'])
    const quoted = await recordsOf('a.tsv', content, '--quote')
    expect(quoted.rows?.map(({ text }) => text)).toEqual([
      'Where is my card\n2\tWhat a fee\n3\tcard and fee',
      'ok',
    ])
  })

  test('the TSV that a run has written, with quotes', async () => {
    const texts = ['a card with\ttab', 'a "fee"', '"card"', 'two\nlines of card']
    using place = new Workplace({
      'in.jsonl': texts.map((text) => `${JSON.stringify({ text })}\n`).join(''),
      'labels.txt': 'card\nfee\n',
    })
    const flags = ['--labels', 'labels.txt', '--prompt', 'p', '--model', 'm', '--ordered', ...atOnce]
    expect(await place.run(['run', 'in.jsonl', ...flags, '-o', 'out.tsv'])).toMatchObject({ code: 0 })
    const again = ['run', 'out.tsv', ...flags, '--field', 'text', '--prefix', 'again_', '-o', 'again.jsonl']
    expect(await place.run(again)).toMatchObject({ code: 0 })
    expect(place.rows('again.jsonl').map(({ text }) => text)).toEqual(texts)
  })

  test('plain lines with CR line ends', async () => {
    const { rows } = await recordsOf('a.txt', 'card\rfee\rloan\r')
    expect(rows).toEqual([{ text: 'card' }, { text: 'fee' }, { text: 'loan' }])
  })

  test('columns without a name, and names that are there twice', async () => {
    expect(await recordsOf('a.csv', ',text,a,a,a_2,\n0,Where is my card?,1,2,3,\n')).toEqual({
      code: 0,
      rows: [{ _1: '0', text: 'Where is my card?', a: '1', a_3: '2', a_2: '3' }],
      notes: ['a.csv: columns without a name, or with a name that is there twice, are named "_1", "a_3"'],
    })
  })

  test('JSON on standard input: an array, and an array within a document', async () => {
    for (const [input, ...flags] of [
      [JSON.stringify([card, fee])],
      [JSON.stringify({ data: [card, fee] }, undefined, 2), '--select', 'data'],
    ]) {
      using place = new Workplace({ 'labels.txt': 'card\nfee\n' })
      await place.run(['run', ...task, ...flags], { input: input ?? '' })
      expect(place.rows('out.jsonl')).toMatchObject([card, fee])
    }
  })
})

describe('a run refuses', () => {
  test.each([
    [
      'a document without a path',
      'a.json',
      '{"data":{"items":[{}]}}',
      [],
      'a.json:1: expected a JSON array, got an object. It has arrays at "data.items". Name one as `select`, such as --select data.items.',
    ],
    [
      'a path that leads to nothing',
      'a.json',
      '{"data":{"items":[{}]}}',
      ['--select', 'data.rows'],
      'a.json:1: expected an array at "data.rows" (select), but "data" has the keys "items".',
    ],
    [
      '--select for JSON lines',
      'a.jsonl',
      '{}',
      ['--select', 'a'],
      '--select: expected an input of the format json, got jsonl',
    ],
    ['an unknown encoding', 'a.csv', 'text\nx', ['--encoding', 'utf-77'], 'Expected --encoding to be'],
    [
      'a delimiter of two characters',
      'a.csv',
      'text\nx',
      ['--delimiter', '||'],
      'Expected --delimiter to be',
    ],
    ['UTF-32', 'a.csv', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), [], 'got UTF-32. Convert it first'],
    [
      'a table in windows-1252',
      'a.csv',
      Buffer.from('caf\xe9,text\n', 'latin1'),
      [],
      'If it is another encoding, such as windows-1252, name it (encoding)',
    ],
  ])('%s', async (_, name, content, flags, message) => {
    const { code, stderr } = await recordsOf(name, content, ...flags)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})

test('a bad row of a file in another encoding names its line', async () => {
  const content = Buffer.concat([
    utf16('text\nWhere is my card?\n'),
    Buffer.from([0x61, 0, 0x3d, 0xd8, 0x0a, 0]),
    Buffer.from('What a fee \ufffd\n', 'utf16le'),
  ])
  const { rows } = await recordsOf('a.csv', content)
  expect(rows?.[1]?.['_error']).toMatchObject({ message: expect.stringMatching(/^a\.csv:3: /) as string })
  expect(rows?.[2]).toEqual({ text: 'What a fee \ufffd' })
})
