import { describe, expect, test } from 'vitest'
import { atOnce, Workplace } from '../../helpers/cli.ts'

const good = (i: number) => `{"id":${i},"text":"Message number ${i}: shipping"}`
const huge = `{"text":"${'x'.repeat(10 * 2 ** 20)}"}`

/** The content of a file, its bad rows, and their places. */
const cases: [
  string,
  string,
  string | Buffer,
  { index: number; line: number; code: string; raw?: string }[],
  number,
][] = [
  [
    'broken JSON',
    'in.jsonl',
    [good(0), '{"text":', good(2), ''].join('\n'),
    [{ index: 1, line: 2, code: 'invalid_json', raw: '{"text":' }],
    3,
  ],
  [
    'a byte order mark and CRLF',
    'in.jsonl',
    `\uFEFF${good(0)}\r\n\r\n${good(1)}\r\nx\r\n`,
    [{ index: 2, line: 4, code: 'invalid_json', raw: 'x' }],
    3,
  ],
  [
    'invalid UTF-8',
    'in.jsonl',
    Buffer.concat([
      Buffer.from(`${good(0)}\n{"text":"`),
      Buffer.from([0xff]),
      Buffer.from(`"}\n${good(2)}\n`),
    ]),
    [{ index: 1, line: 2, code: 'invalid_utf8' }],
    3,
  ],
  [
    'a line of 10 MB',
    'in.jsonl',
    [good(0), huge, good(2), ''].join('\n'),
    [{ index: 1, line: 2, code: 'too_long' }],
    3,
  ],
  [
    'a missing column',
    'in.jsonl',
    [good(0), '{"id":1}', good(2), ''].join('\n'),
    [{ index: 1, line: 2, code: 'missing_column' }],
    3,
  ],
  [
    'a wrong column count',
    'in.csv',
    'id,text\r\n0,"Message number 0,\r\nshipping"\r\n1\r\n2,a,b\r\n3,Message number 3: returns\r\n',
    [
      { index: 1, line: 4, code: 'wrong_column_count', raw: '1' },
      { index: 2, line: 5, code: 'wrong_column_count', raw: '2,a,b' },
    ],
    4,
  ],
  [
    'a broken element',
    'in.json',
    `[${good(0)},\n{"text":},\n${good(2)}]`,
    [{ index: 1, line: 2, code: 'invalid_json', raw: '{"text":}' }],
    3,
  ],
  [
    'a value that nothing could write again',
    'in.jsonl',
    [good(0), `{"text":"x","deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, good(2), ''].join('\n'),
    [{ index: 1, line: 2, code: 'too_deep' }],
    3,
  ],
  ['half a line end', 'in.csv', 'id,text\r\n0,Message number 0: shipping\r\n\r', [], 1],
  ['an empty file', 'in.csv', '', [], 0],
  ['a header alone', 'in.csv', 'id,text\n', [], 0],
]

describe.each(cases)('%s', (_, name, content, bad, count) => {
  test('is named by file and line, goes to the rejects, and nothing is lost or shifted', async () => {
    using place = new Workplace({ [name]: content })
    const args = [
      ...place.job([name]),
      '--field',
      'text',
      '-o',
      'out.jsonl',
      '--rejects',
      'rejects.jsonl',
      ...atOnce,
    ]
    const { code } = await place.run(args)
    expect(code).toBe(bad.length > 0 ? 1 : 0)
    const rows = place.rows('out.jsonl')
    expect(rows.map(({ _index }) => Number(_index)).sort((a, b) => a - b)).toEqual([...Array(count).keys()])
    for (const { index, line, code, raw } of bad) {
      for (const row of [...rows, ...place.rows('rejects.jsonl')].filter(({ _index }) => _index === index)) {
        expect(row['_error']).toMatchObject({ code })
        expect((row['_error'] as { message: string }).message).toContain(`${name}:${line}: `)
        if (raw !== undefined) expect(String(row['_raw']).trim()).toBe(raw)
      }
    }
    if (bad.length > 0) {
      const rejected = place.rows('rejects.jsonl').map(({ _index }) => Number(_index))
      expect(rejected).toEqual(bad.map(({ index }) => index))
    }
    for (const row of rows.filter(({ _error }) => _error === undefined)) {
      expect(row['text']).toContain(`number ${String(row['_index'])}`)
    }
  })
})

describe.each(cases.filter(([, , , bad]) => bad.length > 0))('%s', (_, name, content, bad) => {
  test('stops a strict run at the first bad row, and the run finishes the earlier rows', async () => {
    using place = new Workplace({ [name]: content })
    const args = [...place.job([name]), '--field', 'text', '-o', 'out.jsonl', '--strict', ...atOnce]
    const { code, stderr } = await place.run(args)
    expect(code).toBe(3)
    expect(stderr).toContain(`${name}:${bad[0]!.line}: `)
    const indexes = place.rows('out.jsonl').map(({ _index }) => Number(_index))
    expect(indexes.sort((a, b) => a - b)).toEqual([...Array(bad[0]!.index).keys()])
  })
})

test('a truncated JSON array stops the run, and the run finishes the earlier rows', async () => {
  for (const [rest, line, rows] of [
    [`,\n${good(1)}`, 2, [0]],
    [`,\n${good(1)}},${good(2)}]`, 2, [0]],
    [`]\n[${good(1)}]`, 2, [0]],
  ] as const) {
    using place = new Workplace({ 'in.json': `[${good(0)}${rest}` })
    const args = [...place.job(['in.json']), '--field', 'text', '-o', 'out.jsonl', ...atOnce]
    const { code, stderr } = await place.run(args)
    expect(code).toBe(3)
    expect(stderr).toContain(`in.json:${line}: `)
    expect(place.rows('out.jsonl').map(({ _index }) => _index)).toEqual(rows)
  }
  using place = new Workplace({ 'in.json': '{}' })
  const { code, stderr } = await place.run([...place.job(['in.json']), '-o', 'out.jsonl', ...atOnce])
  // The run asked nothing.
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^in\.json:1: /) as string,
  })
})
