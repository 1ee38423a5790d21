import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { finished, pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest'
import { readRows, type ReadOptions, type Row } from 'llm-pack-stream/readers'
import { decompress } from '../../../src/files/read/decompress.ts'
import { settle } from '../../helpers/collect.ts'
import { short } from '../rows-of.ts'

const folder = mkdtempSync(join(tmpdir(), 'read-rows-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** Returns all rows up to the end or an error. */
async function read(files: string[], options?: ReadOptions): Promise<{ rows: Row[]; error?: unknown }> {
  const rows: Row[] = []
  try {
    for await (const row of readRows(files, options)) rows.push(row)
    return { rows }
  } catch (error) {
    return { rows, error }
  }
}

const values = ({ rows }: { rows: Row[] }): unknown[] => rows.map((row) => row.error?.code ?? row.record)

const many = Array.from({ length: 20_000 }, (_, i) => `{"id":${i},"text":"some text of record ${i}, é"}`)
const all = many.map((line): unknown => JSON.parse(line))

describe('readRows', () => {
  it('has types for `for await`, and for `pipeline`', () => {
    const rows = async () => {
      for await (const row of readRows([])) {
        expectTypeOf(row).toEqualTypeOf<Row>()
      }
    }
    const throughPipeline = () =>
      pipeline(readRows([]), async (source) => {
        for await (const row of source) expectTypeOf(row).toEqualTypeOf<Row>()
      })
    expect([rows, throughPipeline]).toHaveLength(2)
  })

  it('reads files of any format one after the other, each with its own line numbers', async () => {
    const files = [
      file('1.csv', 'a\n1\n"2\n3"\n'),
      file('2.jsonl', '{"a":1}\n\nx\n'),
      file('3.json', '[1,\n2]'),
      file('4.txt', ''),
      file('5.txt', 'five'),
      file('6.tsv', 'a\tb\n1\t2'),
    ]
    const { rows } = await read(files)
    expect(rows.map((row) => `${files.indexOf(row.file) + 1}:${short(row)}`)).toEqual([
      '1:2: {"a":"1"}',
      '1:3: {"a":"2\\n3"}',
      '2:1: {"a":1}',
      '2:3: invalid_json "x"',
      '3:1: 1',
      '3:2: 2',
      '5:1: "five"',
      '6:2: {"a":"1","b":"2"}',
    ])
    expect(rows[3]?.error?.message).toMatch(/2\.jsonl:3: expected JSON/)
  })

  it('uses the given format, and otherwise needs a known file name', async () => {
    const unknown = file('unknown.dat', 'a;b\n1;2\n')
    expect(values(await read([unknown], { format: 'lines' }))).toEqual(['a;b', '1;2'])
    expect(values(await read([unknown], { format: 'csv', delimiter: ';' }))).toEqual([{ a: '1', b: '2' }])
    expect(await read([unknown])).toMatchObject({
      rows: [],
      error: { code: 'unknown_format', file: unknown },
    })
    expect(() => readRows([unknown], { format: 'xml' as 'json' })).toThrow(
      /^Expected `format` to be one of jsonl, .* got 'xml' \(string\)$/,
    )
    expect(() => readRows([unknown], { maxRecordBytes: 0 })).toThrow(RangeError)
    expect(() => readRows([unknown], { delimiter: '::' })).toThrow(TypeError)
  })

  it('reads stdin for -', async () => {
    const stdin = () =>
      Readable.from([Buffer.from('{"a":"'), Buffer.from([0xc3]), Buffer.from([0xa9]), '"}\n2'])
    expect(values(await read(['-'], { stdin: stdin(), format: 'jsonl' }))).toEqual([{ a: 'é' }, 2])
    const rows = readRows(['-'], { stdin: Readable.from(['[x]\n']), format: 'json' })
    expect(rows.bytesTotal).toBeUndefined()
    const [row] = (await rows.toArray()) as Row[]
    expect(row?.error?.message).toMatch(/^stdin:1: /)
    expect(values(await read(['-'], { stdin: stdin() }))).toEqual([{ a: 'é' }, 2])
  })

  it('counts the bytes that it has read', async () => {
    const files = [
      file('progress.jsonl', '1\n22\n\n'),
      file('progress.csv', 'a\n1\n'),
      file('progress.json', '[1,2]'),
    ]
    const rows = readRows(files)
    expect(rows.bytesTotal).toBe(6 + 4 + 5)
    const seen: number[] = []
    for await (const row of rows) {
      if (row.error === undefined) seen.push(rows.bytesRead)
    }
    // The next row is already there if no reading was needed.
    expect(seen).toEqual([5, 5, 10, 15, 15])
    expect(rows.bytesRead).toBe(15)
  })

  it('gives the readable part of a broken array, and then reports the error', async () => {
    const broken = file('broken.json', `[${many.slice(0, 2_000).join(',\n')},\n{x},1},2]`)
    const { rows, error } = await read([broken, file('behind.jsonl', '1')])
    expect(values({ rows })).toEqual([...all.slice(0, 2_000), 'invalid_json'])
    expect(error).toMatchObject({ code: 'broken_array', file: broken, line: 2_001 })
    expect(await read([file('whole.json', '[1,{x},2]'), file('behind.jsonl', '3')])).toMatchObject({
      rows: [{ record: 1 }, { error: { code: 'invalid_json' } }, { record: 2 }, { record: 3 }],
    })
  })

  it.each([
    ['gz', zlib.gzipSync],
    ['zst', zlib.zstdCompressSync],
  ])('decompresses .%s, also several archives in one file', async (ending, compress) => {
    const half = many.length / 2
    const parts = [many.slice(0, half), many.slice(half)].map((lines) => compress(`${lines.join('\n')}\n`))
    const path = file(`many.jsonl.${ending}`, Buffer.concat(parts))
    const { rows } = await read([path])
    expect(rows.map(({ record }) => record)).toEqual(all)
    expect(rows.at(-1)).toMatchObject({ line: many.length, end: Buffer.byteLength(`${many.join('\n')}\n`) })
    const stream = readRows([path])
    await stream.toArray()
    expect(stream.bytesRead).toBe(statSync(path).size)
  })

  it.each([
    ['gzip without .gz', 'plain.jsonl', zlib.gzipSync('1\n2\n')],
    ['zstd without .zst', 'plain.jsonl', zlib.zstdCompressSync('1\n2\n')],
    ['zstd named .gz', 'other.jsonl.gz', zlib.zstdCompressSync('1\n2\n')],
    ['text named .gz', 'text.jsonl.gz', Buffer.from('1\n2\n')],
  ])('reads %s by its content, also from stdin in single bytes', async (_, name, content) => {
    expect(values(await read([file(name, content)]))).toEqual([1, 2])
    const stdin = Readable.from(Array.from(content, (byte) => Buffer.of(byte)))
    expect(values(await read(['-'], { stdin, format: 'jsonl' }))).toEqual([1, 2])
  })

  it('names a .gz that is neither gzip nor text', async () => {
    const path = file('broken.jsonl.gz', Buffer.from([0, 1, 2, 3, 4]))
    expect(await read([path])).toMatchObject({ rows: [], error: { code: 'cannot_decompress', file: path } })
  })

  it('gives all readable rows of a file that was cut off, and then names it', async () => {
    const whole = zlib.gzipSync(many.join('\n'))
    for (const share of [0, 0.1, 0.37, 0.5, 0.93, 0.999]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share))
      const path = file('cut.jsonl.gz', cut)
      const { rows, error } = await read([path])
      const text =
        cut.length > 0 ? zlib.gunzipSync(cut, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString() : ''
      const lines = text.split('\n').slice(0, -1)
      expect(rows.map(({ record }) => record)).toEqual(lines.map((line): unknown => JSON.parse(line)))
      if (share > 0)
        expect(error).toMatchObject({
          code: 'cannot_decompress',
          file: path,
          message: expect.stringContaining('cut off or corrupt') as string,
        })
    }
  })

  it.each([
    ['gz', zlib.gzipSync],
    ['zst', zlib.zstdCompressSync],
  ])('gives the rows before the corrupt place of .%s, and then names the file', async (ending, compress) => {
    const broken = Buffer.from(compress(many.join('\n')))
    const half = Math.floor(broken.length / 2)
    broken.fill(0xff, half, half + 1_000)
    const path = file(`corrupt.jsonl.${ending}`, broken)
    const { rows, error } = await read([path])
    expect(rows.length).toBeGreaterThan(many.length / 4)
    expect(rows.length).toBeLessThan(many.length)
    const sound = rows.slice(0, many.length / 4)
    expect(sound.map(({ record }) => record)).toEqual(all.slice(0, sound.length))
    expect(error).toMatchObject({ code: 'cannot_decompress', file: path })
  })

  it('gives all rows of a file with garbage after its end, and then names it', async () => {
    for (const length of [10, 3_000, 40_000]) {
      const text = Array.from({ length }, (_, i) => `row ${i}`)
      for (const garbage of ['x', 'garbage', '\x1f\x8b', '\x1f\x8bgarbage', 'x'.repeat(100_000)]) {
        const whole = Buffer.concat([zlib.gzipSync(text.join('\n')), Buffer.from(garbage, 'latin1')])
        const { rows, error } = await read([file('garbage.txt.gz', whole)])
        expect(values({ rows })).toEqual(text.slice(0, rows.length))
        // The last line may be incomplete, because it has no line end.
        expect(rows.length).toBe(length - 1)
        expect(error).toMatchObject({ code: 'cannot_decompress' })
      }
      const garbage = Buffer.concat([zlib.zstdCompressSync(`${text.join('\n')}\n`), Buffer.from('garbage')])
      const zst = await read([file('garbage.txt.zst', garbage)])
      expect([values(zst), zst.error]).toMatchObject([text, { code: 'cannot_decompress' }])
    }
  })

  it('gives every row before the first bad byte', async () => {
    const text = Array.from({ length: 5_000 }, (_, i) => `row ${i}`)
    const whole = zlib.gzipSync(`${text.join('\n')}\n`)
    // The error is in the checksum, so all data before it is correct.
    const broken = Buffer.from(whole)
    broken[broken.length - 8]! ^= 1
    const { rows, error } = await read([file('checksum.txt.gz', broken)])
    expect(values({ rows })).toEqual(text)
    expect(error).toMatchObject({ code: 'cannot_decompress' })
    // A block of an unknown kind.
    const empty = zlib.deflateRawSync(`${text.join('\n')}\n`, { finishFlush: zlib.constants.Z_FULL_FLUSH })
    const header = whole.subarray(0, 10)
    const block = file(
      'block.txt.gz',
      Buffer.concat([header, empty, Buffer.from([0x07]), Buffer.alloc(9_000)]),
    )
    expect(values(await read([block]))).toEqual(text)
  })

  it('keeps the rows from the start of a corrupt piece', async () => {
    // It is compressed to a thousandth of its size, so one piece holds most of it.
    const broken = zlib.gzipSync(`${'x'.repeat(999)}\n`.repeat(10_000))
    broken.fill(0xff, broken.length - 100)
    const { rows, error } = await read([file('corrupt.txt.gz', broken)])
    expect(error).toMatchObject({ code: 'cannot_decompress' })
    expect(rows.length).toBeGreaterThan(9_500)
  })

  it('ignores zeros that fill up a gzip file, in any piece', async () => {
    for (const zeros of [1, 10_000]) {
      const path = file('filled.jsonl.gz', Buffer.concat([zlib.gzipSync('1\n2\n'), Buffer.alloc(zeros)]))
      const { rows, error } = await read([path])
      expect(error).toBeUndefined()
      expect(rows.map(({ record }) => record)).toEqual([1, 2])
    }
  })

  it('reads the data after zeros in a gzip file, with every cut of its pieces', async () => {
    const members = ['1\n', '2\n3\n', '4\n'].map((lines) => zlib.gzipSync(lines))
    for (const zeros of [1, 512]) {
      const whole = Buffer.concat(members.flatMap((member) => [member, Buffer.alloc(zeros)]))
      const cuts = Array.from(whole, (_, at) => [whole.subarray(0, at), whole.subarray(at)])
      for (const pieces of [...cuts, Array.from(whole, (byte) => Buffer.of(byte))]) {
        expect(await text(decompress(Readable.from(pieces), 'gzip', 'a.gz'))).toBe('1\n2\n3\n4\n')
      }
    }
  })

  it('gives all rows before garbage after zeros in a gzip file, and then names it', async () => {
    const lines = Array.from({ length: 3_000 }, (_, i) => `row ${i}`)
    const rest = zlib.gzipSync('late\n')
    for (const zeros of [1, 10_000]) {
      for (const garbage of [
        Buffer.from('x'),
        Buffer.from('garbage'),
        rest.subarray(0, 5),
        rest.subarray(1),
      ]) {
        const parts = [zlib.gzipSync(`${lines.join('\n')}\n`), Buffer.alloc(zeros), garbage]
        const { rows, error } = await read([file('padded.txt.gz', Buffer.concat(parts))])
        expect(values({ rows })).toEqual(lines)
        expect(error).toMatchObject({ code: 'cannot_decompress' })
      }
    }
  })

  it.each([
    ['no file', 'none.jsonl', 'it does not exist'],
    ['a directory', 'directory.jsonl', 'it is a directory'],
  ])('gives all rows before %s, and then names it', async (_, name, what) => {
    mkdirSync(join(folder, 'directory.jsonl'), { recursive: true })
    const bad = join(folder, name)
    const before = file('before.jsonl', many.slice(0, 100).join('\n'))
    const { rows, error } = await read([before, bad, file('behind.jsonl', '1')])
    expect(rows.map(({ record }) => record)).toEqual(all.slice(0, 100))
    expect(error).toMatchObject({ code: 'cannot_read', file: bad, message: `${bad}: ${what}` })
  })

  it('gives all rows before a broken header, also to a slow consumer', async () => {
    const rows = readRows([file('good.csv', 'a\n1\n2\n3\n'), file('bad.csv', ',\n1,2\n')])
    const seen: unknown[] = []
    const slow = async () => {
      for await (const row of rows) {
        await settle()
        seen.push(row.record)
      }
    }
    await expect(slow()).rejects.toThrow(/bad\.csv:1: expected names of columns, got none/)
    expect(seen).toEqual([{ a: '1' }, { a: '2' }, { a: '3' }])
  })

  it('opens a file only after the file before it is read', async () => {
    const later = join(folder, 'later.jsonl')
    const rows = readRows([file('sooner.jsonl', '1\n2\n3\n'), later])
    const seen: unknown[] = []
    for await (const row of rows) {
      seen.push(row.record)
      if (seen.length === 1) file('later.jsonl', '4')
    }
    expect(seen).toEqual([1, 2, 3, 4])
  })

  it('reads only as far as its consumer takes rows', async () => {
    // In a JSON array, the read bytes are counted by chunk.
    const path = file('big.json', `[${many.join(',')}]`)
    const rows = readRows([path])
    let taken = 0
    const stalled = new Writable({
      objectMode: true,
      highWaterMark: 16,
      write(_row, _, done) {
        if (++taken < 100) done()
      },
    })
    const running = pipeline(rows, stalled).catch(() => undefined)
    while (taken < 100) await settle()
    await settle()
    expect(rows.bytesRead).toBeLessThanOrEqual(64 * 1024)
    expect(rows.bytesTotal).toBeGreaterThan(10 * 64 * 1024)
    stalled.destroy()
    await running
  })

  it('gives each row once, in order, to a consumer that pauses', async () => {
    const rows = readRows([file('stop-and-go.jsonl', many.join('\n'))])
    const seen: unknown[] = []
    rows.on('data', (row: Row) => {
      seen.push(row.record)
      if (seen.length % 37 === 0) {
        rows.pause()
        setImmediate(() => rows.resume())
      }
    })
    await finished(rows)
    expect(seen).toEqual(all)
  })

  it('does not wait for the end of a file that it has given up', async () => {
    const stdin = new Readable({ read: () => undefined })
    stdin.push('{}')
    await expect(readRows(['-'], { stdin, format: 'json' }).toArray()).rejects.toMatchObject({
      code: 'not_an_array',
    })
  })

  it('closes the file when it is left', async () => {
    const path = file('left.jsonl', many.join('\n'))
    const rows = readRows([path])
    const closed = new Promise((resolve) => rows.once('close', resolve))
    for await (const row of rows) {
      expect(row.record).toEqual(all[0])
      if (process.platform === 'linux') expect(openFiles()).toContain(path)
      break
    }
    await closed
    if (process.platform === 'linux') expect(openFiles()).not.toContain(path)
  })

  it('releases a stdin that never ends', async () => {
    const stdin = new Readable({ read: () => undefined })
    stdin.push('1\n')
    for await (const row of readRows(['-'], { stdin, format: 'jsonl' })) {
      expect(row.record).toBe(1)
      break
    }
    expect(stdin.destroyed).toBe(true)
  })

  it('does not store a row that is too long', async () => {
    const path = file('long.jsonl', `1\n"${'x'.repeat(10_000_000)}"\n2\n`)
    const { rows } = await read([path])
    expect(rows.map(short)).toEqual(['1: 1', '2: too_long nothing', '3: 2'])
    expect(rows[1]?.error?.message).toContain('expected at most 4194304 bytes (maxRecordBytes), got 10000002')
  })
})

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return []
    }
  })
}
