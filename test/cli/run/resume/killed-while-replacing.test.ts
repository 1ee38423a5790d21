import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterEach, describe, expect, test } from 'vitest'
import { settle } from '../../../helpers/collect.ts'
import { jsonl, parseLines, Workplace } from '../../../helpers/cli.ts'
import { patchFs } from '../../../helpers/patched-fs.ts'
import { isSoak } from '../../../helpers/properties.ts'
import { startRecordingServer } from '../../../helpers/recording-server.ts'

/** The functions by which a run changes files. */
const names = [
  'renameSync',
  'appendFileSync',
  'writeFileSync',
  'writeSync',
  'truncateSync',
  'rmSync',
] as const
type Change = (...args: unknown[]) => unknown

let revive = (): void => undefined

/** Lets some changes through. No later change reaches a file, as after a kill. */
function killAfter(changes: number): { isDead: boolean } {
  const life = { isDead: false }
  let done = 0
  revive = patchFs<Change>(names, (change) => (...args) => {
    life.isDead ||= done >= changes
    if (life.isDead) throw new Error('killed')
    done += 1
    return change(...args)
  })
  return life
}

afterEach(() => {
  revive()
})

const latency = {
  ...{ timeToFirstToken: 0, slowdown: 0, outputTokensPerSecond: Infinity, promptTokensPerSecond: Infinity },
}

interface Message {
  readonly id: string
  readonly text: string
}

const ids = ['a', 'b', 'c', 'd', 'e', 'f']
const first: readonly Message[] = ids.map((id, i) => ({ id, text: `shipping number ${i}` }))
const withText = (one: Message, word: string): Message => ({
  ...one,
  text: one.text.replace('shipping number ', `${word} number 1`),
})
const mended = first.map((one) => ('bdf'.includes(one.id) ? withText(one, 'returns') : one))
const changed = first.map((one) => withText(one, 'payments'))
const doubled = [...first, ...first]

/** Makes rejected rows of the results of some records. */
function withRejects(text: string): string {
  return text
    .replace(
      /("id":"[bdf]".*)"label":"\w+",("_index":\d+)/g,
      '$1$2,"_error":{"code":"refused","message":"No"}',
    )
    .replace(/^([bdf],[^,]*),\w+,(\d+),,$/gm, '$1,,$2,refused: No,')
}

/** The file with the rows of a run that has not ended. */
const journalOf = (out: string): string => (out.endsWith('.json') ? `${out}.run.jsonl` : out)

function rowsIn(text: string, name: string): Record<string, unknown>[] {
  if (name.endsWith('.json')) return JSON.parse(text) as Record<string, unknown>[]
  return name.endsWith('.csv') ? parse(text, { columns: true }) : parseLines(text)
}

/** The rows of an output in another order. */
function reversed(text: string, name: string): string {
  if (name.endsWith('.json')) return JSON.stringify(rowsIn(text, name).reverse())
  const [header, ...rows] = name.endsWith('.csv') ? text.split(/(?<=\n)/) : ['', ...text.split(/(?<=\n)/)]
  return [header, ...rows.reverse()].join('')
}
const sorted = (list: readonly string[]) => [...list].sort()
const numberIn = (text: unknown) => Number(/number (\d+)/.exec(String(text))?.[1])
const nameOf = ({ id, text }: Record<string, unknown>) => `${String(id)} ${String(text)}`

const formats = isSoak ? ['out.jsonl', 'out.csv', 'out.json'] : ['out.jsonl']

describe.each(formats)('killed after each change of a file, %s', (out) => {
  const cases = [
    { what: 'mended rejects', before: first, now: mended, flags: ['--key', 'id'] },
    { what: 'rejects that are asked again', before: first, now: first, flags: ['--retry-rejected'] },
    { what: 'equal rejects', before: doubled, now: doubled, flags: ['--retry-rejected'] },
    { what: 'changed records', before: first, now: changed, flags: ['--key', 'id'] },
    {
      ...{ what: 'changed records with equal keys', before: doubled },
      ...{ now: [...changed, ...changed], flags: ['--key', 'id'] },
    },
  ]
  const orders = [
    { how: 'left alone', isReversed: false },
    { how: 'sorted', isReversed: true },
  ]
  const all = orders.flatMap((order) => cases.map((one) => ({ ...one, ...order })))
  // Rejected rows in the order of the run, and results in another order.
  const short = all.filter((_, i) => i === 0 || i === cases.length + 3)
  // A journal takes many more changes: only the cases in which results are replaced.
  const long = out.endsWith('.json') ? all.filter(({ what }) => what.startsWith('changed')) : all
  test.each(isSoak ? long : short)(
    'a run of $what loses no result, and asks no written record again, if the output is $how',
    async ({ before, now, flags, isReversed }) => {
      for (let changes = 0; ; changes += isSoak ? 1 : 5) {
        await using server = await startRecordingServer({ latency })
        using place = new Workplace({ 'in.jsonl': jsonl(before) })
        const env = { OPENAI_BASE_URL: server.baseURL }
        const args = [...place.job(), '-o', out, '--rejects', 'r.jsonl', '--max-pack-records', '2', ...flags]
        expect((await place.run(args, { env })).code).toBe(0)
        place.write({ [out]: withRejects(place.read(out)), 'in.jsonl': jsonl(now) })
        const paid = rowsIn(place.read(out), out).filter(({ label }) => Boolean(label))
        server.asked.clear()

        const life = killAfter(changes)
        await place.run(args, { env }).catch(() => undefined)
        revive()
        for (const name of readdirSync(place.path)) {
          if (name.includes('.run.lock')) rmSync(join(place.path, name))
        }
        const name = existsSync(join(place.path, journalOf(out))) ? journalOf(out) : out
        if (isReversed) place.write({ [name]: reversed(place.read(name), name) })
        const left = place.read(name)
        const told = `killed after ${changes} changes`
        const wholeRows = rowsIn(
          name.endsWith('.json') ? left : left.slice(0, left.lastIndexOf('\n') + 1),
          name,
        )
        // The server gets what the killed run has sent.
        await settle()
        const asked = new Map(server.asked)
        const { code, stderr } = await place.run(args, { env })
        expect(code, `${told}: ${stderr}`).toBe(0)

        // Each record has one row.
        const rows = rowsIn(place.read(out), out)
        expect(sorted(rows.map(nameOf)), told).toEqual(sorted(now.map((one) => nameOf({ ...one }))))
        // Each result is in the output, or among the replaced ones.
        const besideName = `${journalOf(out)}.replaced`
        const beside = existsSync(join(place.path, besideName)) ? place.read(besideName) : ''
        const replaced = beside === '' ? [] : rowsIn(beside, journalOf(out)).map((row) => JSON.stringify(row))
        const isReplaced = ({ text }: Record<string, unknown>) => !now.some((one) => one.text === text)
        const [old, kept] = [paid.filter(isReplaced), paid.filter((row) => !isReplaced(row))]
        expect(sorted(replaced), told).toEqual(sorted(old.map((row) => JSON.stringify(row))))
        const written = rows.map((row) => JSON.stringify(row))
        for (const row of kept) expect(written, told).toContain(JSON.stringify(row))
        expect(place.rows('r.jsonl'), told).toEqual([])
        // A record with a row was not asked again.
        for (const { text } of now) {
          const number = numberIn(text)
          const again = (server.asked.get(number) ?? 0) - (asked.get(number) ?? 0)
          const have = wholeRows.filter((row) => row['text'] === text && Boolean(row['label'])).length
          const missing = now.filter((one) => one.text === text).length - have
          expect(again, `${told}: ${text}`).toBeLessThanOrEqual(Math.max(missing, 0))
        }
        // Nothing is left to do, also if the first input of mended rejects comes again.
        const done = place.read(out)
        for (const input of now === mended ? [now, before] : [now]) {
          place.write({ 'in.jsonl': jsonl(input) })
          const again = await place.run([...args.filter((flag) => flag !== '--retry-rejected'), '--json'], {
            env,
          })
          expect(JSON.parse(again.stdout), told).toMatchObject({ stats: { requests: 0 } })
          expect(place.read(out), told).toBe(done)
        }
        expect(
          readdirSync(place.path).filter((name) => /\.run\.(?:new|replacing)$/.test(name)),
          told,
        ).toEqual([])
        if (!life.isDead) return
      }
    },
  )
})
