import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { isSoak } from '../../helpers/properties.ts'
import { rowsOf, shortOf } from '../rows-of.ts'

/** All texts with up to this number of these characters. */
function* texts(alphabet: readonly string[], length: number): Generator<string> {
  yield ''
  if (length === 0) return
  for (const text of texts(alphabet, length - 1)) for (const one of alphabet) yield one + text
}

/**
 * Returns csv-parse's rows of a text without blank lines. `undefined` if csv-parse refuses the
 * text.
 */
function fieldsOf(text: string): string[][] | undefined {
  try {
    // After a cut inside a line end, a CR remains.
    const rows = parse(text.replace(/\r$/, ''), {
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      raw: true,
    }) as unknown as { raw: string; record: string[] }[]
    const isBlank = ({ raw, record }: (typeof rows)[number]) =>
      !raw.includes('"') && /^ *$/.test(record.join())
    return rows.filter((row) => !isBlank(row)).map(({ record }) => record)
  } catch {
    return undefined
  }
}

describe('CSV', () => {
  it.each([
    ['a CR', 'text\nhello\nworld\n\r'],
    ['a CR behind a blank line', 'text\r\nhello\r\nworld\r\n\r\n\r'],
    ['spaces and a CR', 'text\nhello\n\nworld\n  \r'],
  ])('that ends inside a blank line, with %s, has the rows before it', (_, text) => {
    const rows = rowsOf('csv', text)
    expect(rows.map(({ record }) => record)).toEqual([{ text: 'hello' }, { text: 'world' }])
  })

  it('can be only half a line end', () => {
    for (const text of ['\r', '\n\r', ' \r', 'a\n\r']) expect(shortOf('csv', text)).toEqual([])
  })

  it("has csv-parse's rows if csv-parse accepts a text, and otherwise bad rows", () => {
    let accepted = 0
    for (const text of texts(['a', '"', ',', '\r', '\n', ' '], isSoak ? 6 : 5)) {
      const all = fieldsOf(`x,y\n${text}`)?.slice(1)
      const rows = rowsOf('csv', `x,y\n${text}`)
      if (all) {
        accepted++
        const found = rows.map(({ record, error }) => error?.code ?? Object.values(record as object))
        const expected = all.map((fields) => (fields.length === 2 ? fields : 'wrong_column_count'))
        if (JSON.stringify(found) !== JSON.stringify(expected))
          expect({ text, found }).toEqual({ text, found: expected })
      } else if (!rows.some(({ error }) => error?.code === 'invalid_csv'))
        expect({ text, rows }).toBe('refused')
    }
    expect(accepted).toBeGreaterThan(1_000)
  })
})
