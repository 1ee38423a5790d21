import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { readRows, type Row } from 'llm-pack-stream/readers'
import { settle } from '../../helpers/collect.ts'

const folder = mkdtempSync(join(tmpdir(), 'pipes-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

let pipes = 0
function makePipe(ending = 'jsonl'): string {
  const path = join(folder, `${pipes++}.${ending}`)
  execFileSync('mkfifo', [path])
  return path
}

const isOpen = (path: string): boolean =>
  readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  })

describe.skipIf(process.platform !== 'linux')('a named pipe', () => {
  it.each([
    ['before', 0],
    ['long before', 100],
  ])('is read to its end, also if it is opened %s the writer comes', async (_, delay) => {
    for (const [ending, text] of [
      ['jsonl', '1\n2\n'.repeat(50_000)],
      ['jsonl.gz', gzipSync('1\n2\n'.repeat(50_000))],
      ['jsonl', ''],
    ] as const) {
      const path = makePipe(ending)
      const rows = readRows([path]).toArray() as Promise<Row[]>
      await new Promise((resolve) => setTimeout(resolve, delay))
      spawn('sh', ['-c', 'cat > "$0"', path]).stdin.end(text)
      expect((await rows).map(({ record }) => record)).toEqual(
        text.length === 0 ? [] : Array.from({ length: 100_000 }, (_, i) => 1 + (i % 2)),
      )
      expect(isOpen(path)).toBe(false)
    }
  })

  it('without a writer can be left', async () => {
    const path = makePipe()
    const rows = readRows([path])
    rows.resume()
    while (!isOpen(path)) await settle()
    rows.destroy()
    await once(rows, 'close')
    await settle()
    expect(isOpen(path)).toBe(false)
  })

  it('with a silent writer can be left', async () => {
    const path = makePipe()
    const rows = readRows([path])
    const seen: unknown[] = []
    rows.on('data', (row: Row) => seen.push(row.record))
    while (!isOpen(path)) await settle()
    const writer = openSync(path, 'w')
    writeSync(writer, '1\n2')
    while (seen.length === 0) await settle()
    rows.destroy()
    await once(rows, 'close')
    closeSync(writer)
    expect(seen).toEqual([1])
  })

  it('is left by a loop that ends, with unread data', async () => {
    const path = makePipe()
    const writer = spawn('sh', ['-c', 'yes 1 > "$0"; echo "left: $?" >&2', path])
    for await (const row of readRows([path])) {
      expect(row.record).toBe(1)
      break
    }
    await once(writer, 'exit')
    expect(isOpen(path)).toBe(false)
  })

  it('does not keep a process alive', async () => {
    const index = JSON.stringify(new URL('../../../src/files/index.ts', import.meta.url).href)
    const start = `import { readRows } from ${index}; const rows = readRows([process.argv[1]]).resume()`
    for (const [end, code] of [
      ['setTimeout(() => process.exit(7), 100)', 7],
      ['setTimeout(() => rows.destroy(), 100)', 0],
    ] as const) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', `${start}; ${end}`, makePipe()], {
        timeout: 60_000,
      })
      expect(await once(child, 'exit')).toEqual([code, null])
    }
  })

  it('that stands for standard input is read as well', () => {
    const index = JSON.stringify(new URL('../../../src/files/index.ts', import.meta.url).href)
    const program = `import { readRows } from ${index}
      for await (const row of readRows(['/dev/stdin'], { format: 'jsonl' })) console.log(row.record)`
    const script = 'printf "1\\n2" | "$0" --input-type=module -e "$1"'
    expect(execFileSync('sh', ['-c', script, process.execPath, program]).toString()).toBe('1\n2\n')
  })
})

describe.skipIf(process.platform === 'win32')('a device', () => {
  it('is read, and can be left', async () => {
    expect(await readRows(['/dev/null'], { format: 'lines' }).toArray()).toEqual([])
    const rows = readRows(['/dev/zero'], { format: 'lines', maxRecordBytes: 10 })
    rows.resume()
    await settle()
    rows.destroy()
    await once(rows, 'close')
  })
})
