import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { atOnce, jsonl, parseLines, Workplace } from '../../../helpers/cli.ts'
import { runs } from '../../../helpers/properties.ts'

interface Message {
  readonly id: string
  readonly text: string
}

/** Few of each kind, so that equal records and equal ids come often. An empty text is a bad row. */
const message = fc.record({
  id: fc.constantFrom('1', '2', '3', '4'),
  text: fc.constantFrom('shipping', 'returns\nline two', 'payments, "q"', ''),
})

type Edit<T> = (list: readonly T[]) => T[]

const edits = <T>(made: fc.Arbitrary<T>): fc.Arbitrary<Edit<T>> => {
  const at = fc.nat({ max: 12 })
  return fc.oneof(
    at.map(
      (i): Edit<T> =>
        (list) =>
          list.filter((_, k) => k !== i),
    ),
    fc.tuple(at, made).map(([i, one]): Edit<T> => (list) => [...list.slice(0, i), one, ...list.slice(i)]),
    fc.tuple(at, made).map(
      ([i, one]): Edit<T> =>
        (list) =>
          list.map((old, k) => (k === i ? one : old)),
    ),
    fc.constant<Edit<T>>((list) =>
      [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    ),
    made.map((one): Edit<T> => (list) => [...list, one]),
    at.map((i): Edit<T> => (list) => [...list, ...list.slice(i, i + 1)]),
  )
}
const script = <T>(made: fc.Arbitrary<T>, most: number): fc.Arbitrary<Edit<T>> =>
  fc.array(edits(made), { maxLength: most }).map(
    (all): Edit<T> =>
      (list) =>
        all.reduce<readonly T[]>((now, edit) => edit(now), list) as T[],
  )

const csv = (rows: readonly Message[]) =>
  `id,text\n${rows.map(({ id, text }) => `${id},"${text.replaceAll('"', '""')}"\n`).join('')}`
const nameOf = ({ id, text = '' }: Record<string, unknown>) => JSON.stringify([id, text])

/** The rows of an output as its text has them, with their line ends. */
function rowsIn(text: string, out: string): string[] {
  if (out.endsWith('.jsonl')) return text.split(/(?<=\n)/)
  return text.split(/(?<=\n)/).reduce<string[]>((rows, line) => {
    const last = rows.at(-1) ?? ''
    const isOpen = (last.split('"').length - 1) % 2 === 1
    return isOpen ? [...rows.slice(0, -1), last + line] : [...rows, line]
  }, [])
}

function count(list: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const one of list) counts.set(one, (counts.get(one) ?? 0) + 1)
  return counts
}

/** The rows of an output, read by another program. */
function read(text: string, out: string): Record<string, unknown>[] {
  return out.endsWith('.jsonl') ? parseLines(text) : parse(text, { columns: true, skip_empty_lines: true })
}

const isRejected = (row: Record<string, unknown>) => row['_error'] !== undefined && row['_error'] !== ''

test('after any edits of input and output, no paid result and no foreign byte is lost, and each record has one outcome', async () => {
  const note: fc.Arbitrary<string> = fc.constantFrom(
    'my note\n',
    '{"note":1}\n',
    'a,b\n',
    '1,2,3,4,5,6\n',
    '"open\n',
    '\n',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 8 }),
      script(message, 4),
      script(note, 2),
      fc.option(fc.nat({ max: 400 }), { nil: undefined, freq: 2 }),
      fc.record({
        out: fc.constantFrom('out.jsonl', 'out.csv'),
        input: fc.constantFrom('in.jsonl', 'in.csv'),
        isKeyed: fc.boolean(),
        isRetry: fc.boolean(),
        isOrdered: fc.boolean(),
        limit: fc.integer({ min: 1, max: 9 }),
      }),
      async (first, editInput, editOutput, cut, { out, input, isKeyed, isRetry, isOrdered, limit }) => {
        using place = new Workplace({ [input]: input === 'in.csv' ? csv(first) : jsonl(first) })
        const flags = [...(isKeyed ? ['--key', 'id'] : []), ...(isOrdered ? ['--ordered'] : [])]
        const args = [...place.job([input]), '--field', 'text', '-o', out, ...flags, ...atOnce]
        expect([0, 1]).toContain((await place.run([...args, '--limit', String(limit)])).code)

        const second = editInput(first)
        const rows = editOutput(rowsIn(place.read(out), out))
        const before = rows.join('').slice(0, cut)
        place.write({ [input]: input === 'in.csv' ? csv(second) : jsonl(second), [out]: before })
        const { code, stderr } = await place.run([...args, ...(isRetry ? ['--retry-rejected'] : [])])
        const after = place.read(out)
        if (code === 2) {
          expect(stderr).toContain(out)
          expect(after).toBe(before)
          return
        }
        expect([0, 1], stderr).toContain(code)

        // Each whole row and each note is in one of the files. Only rejected rows may go.
        const beside = (name: string) => (existsSync(join(place.path, name)) ? place.read(name) : '')
        const kept = after + beside(`${out}.replaced`) + beside(`${out}.torn`)
        const there = count(rowsIn(kept, out))
        for (const [row, times] of count(rowsIn(before, out))) {
          // A header without rows gives way to a header that knows the columns of records.
          const isRejection = /"_error":\{|,empty_text: /.test(row) && (isRetry || isKeyed)
          const isGone = isRejection || row.endsWith(',_error,_more\n')
          // A row that was cut off, or whose line end was.
          if (!row.endsWith('\n')) expect(kept).toContain(row)
          else if (row.trim() !== '' && !isGone) expect(there.get(row) ?? 0).toBeGreaterThanOrEqual(times)
        }
        // Each record of the input has a row, and no record was paid for twice.
        const outcomes = read(after, out)
        const names = count(outcomes.map(nameOf))
        for (const [name, times] of count(second.map((one) => nameOf({ ...one })))) {
          expect(names.get(name) ?? 0, `${name}: ${after}`).toBeGreaterThanOrEqual(times)
        }
        const again = await place.run([...args, '--json'])
        expect(JSON.parse(again.stdout)).toMatchObject({
          records: { done: second.length },
          stats: { requests: 0 },
        })
        expect(place.read(out)).toBe(after)
        expect(outcomes.filter(isRejected).length > 0 || again.code === 0).toBe(true)
      },
    ),
    { numRuns: runs(60) },
  )
})
