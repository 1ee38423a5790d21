import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RowError, TextFormat } from 'llm-pack-stream/readers'
import { runs } from '../../helpers/properties.ts'
import { readAll, rowsOf, short, whole } from '../rows-of.ts'
import { kindOf } from '../../../src/files/read/sniff.ts'

const formats = ['jsonl', 'json', 'csv', 'tsv', 'lines'] as const

/** Bytes with a meaning in one of the formats, and bytes without a meaning. */
const pieces = [
  '"',
  '"',
  ',',
  '\t',
  '\n',
  '\r\n',
  '\r',
  ' ',
  'a',
  '1',
  'é',
  '[',
  ']',
  '{',
  '}',
  ':',
  '\\',
  'null',
  '""',
]
const piece = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...pieces).map((text) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom([0xff], [0xe9], [0xef, 0xbb, 0xbf]).map((some) => Buffer.from(some)),
  },
)
const head: Record<TextFormat, string> = { jsonl: '', json: '[', csv: 'a,b\n', tsv: 'a\tb\n', lines: '' }

const document = (format: TextFormat) =>
  fc
    .tuple(fc.boolean(), fc.array(piece, { maxLength: 40 }))
    .map(([hasHead, parts]) => Buffer.concat([Buffer.from(hasHead ? head[format] : ''), ...parts]))

const limit = fc.oneof(fc.constant(1_000), fc.integer({ min: 1, max: 12 }))

/** The rows, and the error of the unreadable rest. They depend only on the bytes. */
function read(...args: Parameters<typeof rowsOf>) {
  const { rows, error } = readAll(...args)
  return { rows: rows.map(whole), error: error === undefined ? undefined : String(error) }
}

/** The text of a file with its line ends as LF or CRLF: the first line end decides. */
const mended = (bytes: Buffer): string => {
  const text = bytes.toString('latin1')
  const isOld = /^[^\r\n]*\r(?!\n)/.test(text)
  return isOld ? text.replaceAll(/\r(?!\n)/g, '\n') : text
}

/** Whether a text is read as what its name says. */
const isPlain = (format: TextFormat, bytes: Buffer, maxRecordBytes = 4 * 1024 * 1024): boolean =>
  kindOf(format, Buffer.from(mended(bytes), 'latin1'), true, { file: 'f', maxRecordBytes })?.format === format

describe.each(formats)('%s', (format) => {
  it('gives the same rows with every cut of the bytes', () => {
    fc.assert(
      fc.property(document(format), limit, (bytes, maxRecordBytes) => {
        const expected = read(format, bytes, { maxRecordBytes })
        const everywhere = Array.from({ length: bytes.length }, (_, at) => at + 1)
        for (const cuts of [everywhere, ...everywhere.map((at) => [at])]) {
          expect(read(format, bytes, { maxRecordBytes, cuts })).toEqual(expected)
        }
      }),
      { numRuns: runs(200) },
    )
  })

  it('has rising ends, and the line numbers of the file', () => {
    fc.assert(
      fc.property(document(format), limit, (bytes, maxRecordBytes) => {
        fc.pre(isPlain(format, bytes, maxRecordBytes))
        const { rows } = read(format, bytes, { maxRecordBytes })
        const text = mended(bytes)
        let before = 0
        for (const row of rows) {
          expect(row.end).toBeGreaterThan(before)
          // A row of CSV or TSV may begin with a space or a tab, and a row of JSON may be missing.
          const skipped = text.slice(before, row.end).search(/[^ \t\r\n\xef\xbb\xbf]/)
          const line = text.slice(0, before + skipped).split('\n').length
          if (skipped >= 0 && (format === 'jsonl' || format === 'lines')) expect(row.line).toBe(line)
          before = row.end
        }
        expect(before).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })
})

describe.each(['jsonl', 'lines', 'csv', 'tsv'] as const)('%s', (format) => {
  it('gives each row again from the bytes between the ends, and leaves only blank lines', () => {
    fc.assert(
      fc.property(document(format), (bytes) => {
        const isCsv = format === 'csv' || format === 'tsv'
        const all = isCsv
          ? Buffer.concat([Buffer.from(head[format]), bytes])
          : Buffer.from(mended(bytes), 'latin1')
        fc.pre(isPlain(format, all))
        const { rows, error } = read(format, all)
        fc.pre(error === undefined)
        let before = isCsv ? 4 : 0
        for (const row of rows) {
          // Not at the start of the file, where a byte order mark does not belong to the row.
          const start = Buffer.from(isCsv ? head[format] : before > 0 ? '\n' : '')
          const slice = Buffer.concat([start, all.subarray(before, row.end)])
          // Alone, a line such as `[` looks like the start of an array.
          if (isPlain(format, slice)) {
            const [again, ...more] = rowsOf(format, slice)
            expect(more).toEqual([])
            expect(again && short(again).replace(/^\d+/, '')).toBe(row.short.replace(/^\d+/, ''))
          }
          const text = all
            .toString('latin1', before, row.end)
            .replaceAll(/(?<![^\n])(?:\xef\xbb\xbf)+/g, (marks) => ' '.repeat(marks.length))
          const [blankLines = ''] = /^(?:[ \t\r]*\n)*/.exec(text) ?? []
          // In CSV and TSV, these lines may be rows.
          if (!isCsv || !/[\t\r]/.test(blankLines)) {
            const startsAt = before + blankLines.length
            expect(row.line).toBe(all.toString('latin1', 0, startsAt).split('\n').length)
          }
          expect(row.terminated).toBe(all[row.end - 1] === 0x0a && row.end > before)
          before = row.end
        }
        const blank = isCsv ? /^[\ufeff \r\n]*$/ : /^[\ufeff \t\r\n]*$/
        expect(all.toString('utf8', before)).toMatch(blank)
      }),
      { numRuns: runs(300) },
    )
  })
})

describe('a JSON array', () => {
  const mutation = fc.record({
    at: fc.nat(),
    put: fc.constantFrom('', '"', ',', '[', ']', '{', '}', '\\', ' ', '\n', 'x'),
  })

  it('is read like by JSON.parse, and refused if JSON.parse refuses it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 6 }),
        fc.constantFrom(undefined, 1, '\t'),
        fc.option(mutation),
        (array, indent, change) => {
          let text = JSON.stringify(array, undefined, indent)
          if (change) {
            const at = change.at % (text.length + 1)
            text = (text.slice(0, at) + change.put + text.slice(at + 1)).toWellFormed()
          }
          const { rows, error } = readAll('json', text)
          const expected = parse(text)
          if (Array.isArray(expected)) {
            expect(error).toBeUndefined()
            expect(rows.map((row) => (row.error ? row.error.code : row.record))).toEqual(
              expected.map((value: unknown) => value ?? 'null_record'),
            )
          } else if (text.trim() !== '') {
            const codes = [...rows.map((row) => row.error), error].map(
              (one) => (one as RowError | undefined)?.code,
            )
            expect(codes).toSatisfy((all: unknown[]) =>
              ['invalid_json', 'not_an_array', 'broken_array'].some((code) => all.includes(code)),
            )
          }
        },
      ),
      { numRuns: runs(2_000) },
    )
  })

  it('ends each element before the comma or bracket after it', () => {
    const text = '[1 ,\n{"a":2}\n, "]" ]'
    expect(rowsOf('json', text).map(({ line }) => line)).toEqual([1, 2, 3])
    const ends = rowsOf('json', text).map(({ end }) => end)
    expect(ends.map((end) => text[end - 1])).toEqual([',', ',', ']'])
    expect(ends.map((end, at) => JSON.parse(text.slice(ends[at - 1] ?? 1, end - 1)) as unknown)).toEqual([
      1,
      { a: 2 },
      ']',
    ])
  })
})

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
