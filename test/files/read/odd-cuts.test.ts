import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TextFormat } from 'llm-pack-stream/readers'
import type { RowsOptions } from '../../../src/files/read/rows.ts'
import { runs } from '../../helpers/properties.ts'
import { readAll, whole } from '../rows-of.ts'

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le')
const utf8 = (text: string): Buffer => Buffer.from(text)

/** Texts of a kind: their format, head, pieces, options and bytes. */
interface Kind {
  readonly format: TextFormat
  readonly heads: readonly string[]
  readonly pieces: readonly string[]
  readonly options?: Partial<RowsOptions>
  readonly bytes?: (text: string) => Buffer
}

const cells = ['"', '"', ';', ',', '\t', '|', '\n', '\r\n', '\r', 'a', 'é', ' ', '\ufeff']
const json = ['{', '}', '[', ']', '"', ',', ':', '\n', ' ', '1', '"a":', '"b":[1,2],', 'é', '\\', '\ufeff']

const kinds: Record<string, Kind> = {
  'CSV with a delimiter by its header': {
    format: 'csv',
    heads: ['', 'a;b\n', 'a\tb|c\r\n', 'sep=;\n'],
    pieces: cells,
  },
  'CSV with CR line ends': { format: 'csv', heads: ['a,b\r', '"a\r",b\r', '\r'], pieces: cells },
  'CSV with a header of odd names': {
    format: 'csv',
    heads: [',a,a,,\n', '\ufeffa,b\n1,2\n\ufeffa,b\n'],
    pieces: cells,
  },
  'TSV with quotes': {
    format: 'tsv',
    heads: ['a\tb\n', 'a\t_more\n'],
    pieces: cells,
    options: { quote: true },
  },
  'TSV that may be ours': { format: 'tsv', heads: ['a\t_more\n', '_more', 'a\n', ''], pieces: cells },
  'lines with any line ends': {
    format: 'lines',
    heads: ['', 'a\r', 'a\r\n'],
    pieces: ['\r', '\n', 'a', ' '],
  },
  'UTF-16': {
    format: 'csv',
    heads: ['\ufeffa,b\n', 'a,b\r\n', '\ufeff'],
    pieces: [...cells, '😀', '\ud800'],
    bytes: utf16,
  },
  'big-endian UTF-16': {
    ...{ format: 'jsonl', heads: ['\ufeff', '12\n', '{"'], pieces: [...json, '😀', '\udc00'] },
    bytes: (text) => utf16(text).swap16(),
  },
  'UTF-16 with half a character': {
    ...{ format: 'lines', heads: ['\ufeff', 'ab\n'], pieces: ['a', '\n', '😀'] },
    bytes: (text) => utf16(text).subarray(0, -1),
  },
  'windows-1252': {
    ...{ format: 'lines', heads: [''], pieces: ['a', 'é', '\n'], options: { encoding: 'windows-1252' } },
    bytes: (text) => Buffer.from(text, 'latin1'),
  },
  shift_jis: {
    ...{ format: 'lines', heads: [''], pieces: ['\x83\x4a', '\x81', '\xff', 'a', '\n'] },
    ...{ options: { encoding: 'shift_jis' }, bytes: (text) => Buffer.from(text, 'latin1') },
  },
  'JSON lines that may be an array': {
    format: 'jsonl',
    heads: ['[', '[\n', '[{"a":1},\n', '[{"a":1}]'],
    pieces: json,
  },
  'JSON lines of a guessed format': {
    ...{
      format: 'jsonl',
      heads: ['[{"a":1}]', '[{"a":1}]\n', '[1]'],
      pieces: json,
      options: { isGuess: true },
    },
  },
  'values over several lines': {
    format: 'jsonl',
    heads: ['{\n"a":1}\n', '{\n', '{"a":[1,\n"b"]}{'],
    pieces: json,
  },
  'JSON of a guessed format': {
    format: 'json',
    heads: [
      '{"a":1}\n',
      '{"a":\n',
      '{\n"a":1}\n{',
      '{}\n{\n',
      '{}{}',
      '"a"\n',
      '1 ',
      'null\n1\n',
      '\ufeff{}',
    ],
    pieces: json,
    options: { isGuess: true },
  },
  'JSON without an array': { format: 'json', heads: ['{', '{"a":[1],', '{"a":{"b":['], pieces: json },
  'an array within a document': {
    ...{
      format: 'json',
      heads: ['{"a":[', '{"b":[[1],{"a":[1]}],"a":[{},', '{"a":{"b":[1,', '', '['],
      pieces: json,
    },
    options: { select: 'a' },
  },
}

describe.each(Object.entries(kinds))('%s', (_, { format, heads, pieces, options = {}, bytes = utf8 }) => {
  it('has the same rows and notes with every cut of its bytes', () => {
    const text = fc
      .tuple(fc.constantFrom(...heads), fc.array(fc.constantFrom(...pieces), { maxLength: 16 }))
      .map(([head, parts]) => head + parts.join(''))
    const read = (all: Buffer, maxRecordBytes: number, cuts: readonly number[] = []) => {
      const notes: string[] = []
      const onNote = (note: string) => notes.push(note)
      const { rows, error } = readAll(format, all, { ...options, maxRecordBytes, onNote, cuts })
      // stream-json drops what it has read of a piece with an error, and so the words may differ.
      const message = error && (format === 'json' ? 'expected a JSON array' : String(error))
      if (error) expect(error).toMatchObject({ name: 'RowError', file: 'f' })
      return { rows: rows.map(whole), error: message, notes }
    }
    fc.assert(
      fc.property(text, fc.constantFrom(1_000, 6), (one, maxRecordBytes) => {
        const all = bytes(one)
        const expected = read(all, maxRecordBytes)
        const everywhere = Array.from({ length: all.length }, (__, at) => at + 1)
        for (const cuts of [everywhere, ...everywhere.map((at) => [at])]) {
          expect(read(all, maxRecordBytes, cuts)).toEqual(expected)
        }
      }),
      { numRuns: runs(60) },
    )
  })
})
