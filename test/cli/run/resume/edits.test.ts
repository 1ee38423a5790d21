import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { jsonlToParquet } from 'llm-pack-stream/readers'
import { atOnce, jsonl, parseLines, Workplace } from '../../../helpers/cli.ts'
import { runs } from '../../../helpers/properties.ts'

interface Message {
  readonly id: string
  readonly text: string
}

/** Few of each kind, so that equal records and equal ids come often. An empty text is a bad row. */
const message: fc.Arbitrary<Message> = fc.record({
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
function rowsOf(text: string, out: string): Record<string, unknown>[] {
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
        const outcomes = rowsOf(after, out)
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

describe.each(['out.json', 'out.parquet', 'out.jsonl', 'out.csv'])('%s', (out) => {
  const hasEnd = out === 'out.json' || out === 'out.parquet'
  const path = (place: Workplace, name = out) => join(place.path, name)

  async function readAll(place: Workplace, name = out): Promise<Record<string, unknown>[]> {
    if (!existsSync(path(place, name))) return []
    if (name === 'out.json') return JSON.parse(place.read(name)) as Record<string, unknown>[]
    if (name !== 'out.parquet') return rowsOf(place.read(name), name.replace('.replaced', ''))
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path(place, name)) })
    return rows.map((row) =>
      Object.fromEntries(
        Object.entries(row)
          .filter(([, value]) => value !== null)
          .map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
      ),
    )
  }
  async function write(
    place: Workplace,
    rows: readonly Record<string, unknown>[],
    asWhole = '',
  ): Promise<void> {
    if (out === 'out.json') place.write({ [out]: JSON.stringify(rows) })
    else if (out === 'out.parquet') {
      place.write({ 'made.jsonl': jsonl(rows) })
      await jsonlToParquet(path(place, 'made.jsonl'), path(place))
    } else place.write({ [out]: asWhole })
  }
  const paid = (rows: readonly Record<string, unknown>[]) =>
    rows.filter((row) => !isRejected(row)).map(({ id, text, label }) => JSON.stringify([id, text, label]))

  test('after any edits, mended rejects and rejected records that are asked again, each record has one outcome', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 8 }),
        script(message, 3),
        fc.record({
          isKeyed: fc.boolean(),
          isSorted: fc.boolean(),
          isRetry: fc.boolean(),
          isFirstAgain: fc.boolean(),
          limit: fc.integer({ min: 1, max: 9 }),
        }),
        async (all, editInput, { isKeyed, isSorted, isRetry, isFirstAgain, limit }) => {
          // A key tells a record from all others.
          const unique = (list: readonly Message[]) =>
            isKeyed ? list.filter(({ id }, i) => list.findIndex((one) => one.id === id) === i) : list
          const first = unique(all)
          using place = new Workplace({ 'in.jsonl': jsonl(first) })
          const rest = [
            '--field',
            'text',
            '-o',
            out,
            '--rejects',
            'r.jsonl',
            ...(isKeyed ? ['--key', 'id'] : []),
          ]
          const run = async (...more: string[]) => {
            const ended = await place.run([...place.job(), ...rest, ...atOnce, '--json', ...more])
            expect([0, 1], ended.stderr).toContain(ended.code)
            return JSON.parse(ended.stdout) as { stats: { requests: number }; records: { done: number } }
          }
          // A paid result stays in the output, or beside it.
          let known: string[] = []
          const check = async (records: readonly Message[], what: string) => {
            const rows = await readAll(place)
            const beside = await readAll(place, hasEnd ? `${out}.run.jsonl.replaced` : `${out}.replaced`)
            const there = count(paid([...rows, ...beside]))
            for (const [row, times] of count(known)) {
              expect(there.get(row) ?? 0, `${what}: ${row}`).toBeGreaterThanOrEqual(times)
            }
            known = paid(rows)
            const names = count(rows.map(nameOf))
            for (const [name, times] of count(records.map((one) => nameOf({ ...one })))) {
              expect(names.get(name) ?? 0, `${what}: ${name}`).toBeGreaterThanOrEqual(times)
            }
            expect(count(parseLines(place.read('r.jsonl')).map(nameOf)), what).toEqual(
              count(rows.filter(isRejected).map(nameOf)),
            )
            expect(existsSync(path(place, `${out}.run.replacing`)), what).toBe(false)
          }
          await run('--limit', String(limit))
          await check(first.slice(0, limit), 'at first')
          if (isSorted) {
            const rows = await readAll(place)
            const [header, ...lines] = out === 'out.csv' ? rowsIn(place.read(out), out) : []
            const asWhole = [header ?? '', ...lines.reverse()].join('')
            await write(place, rows.toReversed(), out === 'out.csv' ? asWhole : jsonl(rows.toReversed()))
          }
          const edited = unique(editInput(first))
          place.write({ 'in.jsonl': jsonl(edited) })
          await run()
          await check(edited, 'edited')
          // A person mends the rejects of a keyed output, and makes them the input.
          const rejected = parseLines(place.read('r.jsonl'))
          if (isKeyed && rejected.length > 0) {
            const mended = rejected.map(({ id }) => ({ id: String(id), text: 'returns' }))
            place.write({ 'in.jsonl': jsonl(mended) })
            await run()
            await check(mended, 'mended')
          }
          place.write({ 'in.jsonl': jsonl(edited) })
          const before = known
          const again = await run(...(isRetry ? ['--retry-rejected'] : []))
          if (isFirstAgain) {
            place.write({ 'in.jsonl': jsonl(edited) })
            const last = await run()
            expect(last).toMatchObject({ stats: { requests: 0 }, records: { done: edited.length } })
          }
          expect(again.stats.requests).toBe(0)
          expect(paid(await readAll(place)).sort()).toEqual([...before].sort())
        },
      ),
      { numRuns: runs(15) },
    )
  })
})
