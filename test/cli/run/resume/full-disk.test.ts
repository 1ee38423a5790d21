import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterEach, expect, test } from 'vitest'
import { readRows } from 'llm-pack-stream/readers'
import { atOnce, jsonl, messages, parseLines, Workplace } from '../../../helpers/cli.ts'
import { patchFs } from '../../../helpers/patched-fs.ts'
import { isSoak } from '../../../helpers/properties.ts'

type Write = (file: unknown, what: string | Uint8Array, ...more: unknown[]) => void

let free = (): void => undefined

/** The disk is full after some writes: the next write has room for half of its bytes. */
function fillAfter(writes: number): { isFull: boolean } {
  const disk = { isFull: false }
  let done = 0
  free = patchFs<Write>(['appendFileSync', 'writeFileSync'], (write) => (file, what, ...more) => {
    if (done < writes) {
      done += 1
      write(file, what, ...more)
      return
    }
    const bytes = Buffer.from(what)
    if (!disk.isFull) write(file, bytes.subarray(0, bytes.length / 2), ...more)
    disk.isFull = true
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  })
  return disk
}

afterEach(() => {
  free()
})

const first = messages(4)
const now = first.map((one, i) => (i < 2 ? { ...one, text: 'returns are hard' } : one))

async function read(place: Workplace, name: string): Promise<Record<string, unknown>[]> {
  if (!existsSync(join(place.path, name))) return []
  if (name.startsWith('out.csv')) return parse(place.read(name), { columns: true })
  if (name.includes('jsonl')) return parseLines(place.read(name))
  const rows: Record<string, unknown>[] = []
  for await (const { record } of readRows([join(place.path, name)]))
    rows.push(record as Record<string, unknown>)
  return rows
}

const nameOf = ({ id, text, label }: Record<string, unknown>) => [id, text, label].join()
const formats = ['out.jsonl', 'out.csv', 'out.json', 'out.parquet']

test.each(isSoak ? formats : ['out.csv', 'out.json'])(
  'a disk that is full at any write loses no row of %s, and the next run goes on',
  async (out) => {
    const replacedIn = formats.indexOf(out) < 2 ? `${out}.replaced` : `${out}.run.jsonl.replaced`
    for (let writes = 0; ; writes += isSoak ? 1 : 7) {
      using place = new Workplace({ 'in.jsonl': jsonl(first) })
      const args = [
        ...place.job(),
        '--key',
        'id',
        '--field',
        'text',
        '-o',
        out,
        '--max-pack-records',
        '1',
        ...atOnce,
      ]
      expect((await place.run(args)).code).toBe(0)
      const paid = (await read(place, out)).map(nameOf)
      place.write({ 'in.jsonl': jsonl(now) })

      const disk = fillAfter(writes)
      const full = await place.run(args)
      free()
      const told = `full after ${writes} writes: ${full.stderr}`
      if (disk.isFull) {
        expect([2, 3], told).toContain(full.code)
        expect(full.stderr, told).toMatch(/^\S*out\.\S+ cannot be written: ENOSPC/m)
      }
      const { code, stderr } = await place.run(args)
      expect(code, `${told}\n${stderr}`).toBe(0)
      const rows = await read(place, out)
      expect(rows.map(({ id, text }) => [id, text].join()).sort(), told).toEqual(
        now.map(({ id, text }) => [id, text].join()).sort(),
      )
      const replaced = (await read(place, replacedIn)).map(nameOf)
      expect(replaced.sort(), told).toEqual(paid.slice(0, 2).sort())
      expect(rows.map(nameOf), told).toEqual(expect.arrayContaining(paid.slice(2)))
      expect(
        readdirSync(place.path).filter((name) => /\.run\.(?:new|replacing|lock)/.test(name)),
        told,
      ).toEqual([])
      if (!disk.isFull) return
    }
  },
)
