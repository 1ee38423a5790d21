import { Readable, Writable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  readCsv,
  readJson,
  readJsonl,
  readLines,
  readTsv,
  type BadRow,
  type ReaderOptions,
} from 'llm-pack-stream/readers'
import { settle } from '../../helpers/collect.ts'

async function records(chunks: (string | Uint8Array)[], ...through: Transform[]): Promise<unknown[]> {
  const seen: unknown[] = []
  const sink = new Writable({
    objectMode: true,
    write(record, _, done) {
      seen.push(record)
      done()
    },
  })
  await pipeline([Readable.from(chunks), ...through, sink])
  return seen
}

describe('readers of bytes', () => {
  it('give the records', async () => {
    expect(await records(['{"a":', '1}\n2'], readJsonl())).toEqual([{ a: 1 }, 2])
    expect(await records(['[1,', '[2]]'], readJson())).toEqual([1, [2]])
    expect(await records(['a,b\n1,', '2'], readCsv())).toEqual([{ a: '1', b: '2' }])
    expect(await records(['a;b\n1;2'], readCsv({ delimiter: ';' }))).toEqual([{ a: '1', b: '2' }])
    expect(await records(['a\tb\n1\t2'], readTsv())).toEqual([{ a: '1', b: '2' }])
    expect(await records(['a\n', '\nb'], readLines())).toEqual(['a', 'b'])
    expect(await records([gzipSync('1\n2\n')], createGunzip(), readJsonl())).toEqual([1, 2])
    expect(await records([], readJsonl())).toEqual([])
  })

  it.each<[string, (options: ReaderOptions) => Transform, string, number, unknown[]]>([
    ['readJsonl', readJsonl, '1\nx\n2\n', 2, [1, 2]],
    ['readJson', readJson, '[1,\nx,2]', 2, [1, 2]],
    ['readCsv', readCsv, 'a\n1\n2,3\n4\n', 3, [{ a: '1' }, { a: '4' }]],
    ['readTsv', readTsv, 'a\n1\n2\t3\n4\n', 3, [{ a: '1' }, { a: '4' }]],
    ['readLines', readLines, '1\n\xff\n2\n', 2, ['1', '2']],
  ])('%s fails at a bad row, unless `onBadRow` takes it', async (_, reader, text, line, good) => {
    const bytes = Buffer.from(text, 'latin1')
    const failing = records([bytes], reader({ file: 'in.x' }))
    await expect(failing).rejects.toThrow(expect.objectContaining({ name: 'RowError', file: 'in.x', line }))
    const bad: BadRow[] = []
    expect(await records([bytes], reader({ onBadRow: (row) => bad.push(row) }))).toEqual(good)
    expect(bad.map((row) => row.error.message)).toEqual([expect.stringMatching(`^input:${line}: `)])
  })

  it('always fail at a broken header', async () => {
    const reader = readCsv({ onBadRow: () => undefined })
    await expect(records([',\n1,2\n'], reader)).rejects.toMatchObject({ code: 'invalid_header' })
  })

  it.each<[string, Transform, string, string[]]>([
    [
      'a broken array',
      readJson({ onBadRow: () => undefined }),
      'broken_array',
      ['[0', ',1'.repeat(100), ',{}},2]'],
    ],
    ['a bad row', readJsonl(), 'invalid_json', ['0\n', '1\n'.repeat(100), 'x\n2\n']],
    ['one that comes at once', readJsonl(), 'invalid_json', [`0\n${'1\n'.repeat(100)}x\n2\n`]],
    ['no row before it', readJsonl(), 'invalid_json', ['x\n2\n']],
  ])('give all rows before %s, also to a slow consumer', async (name, reader, code, chunks) => {
    const seen: unknown[] = []
    const reading = pipeline(Readable.from(chunks), reader, async (rows: AsyncIterable<unknown>) => {
      for await (const row of rows) {
        await settle()
        seen.push(row)
      }
    })
    await expect(reading).rejects.toMatchObject({ code })
    expect(seen).toEqual(name === 'no row before it' ? [] : [0, ...Array<number>(100).fill(1)])
  })

  it('fail with the error that `onBadRow` throws', async () => {
    const onBadRow = (): never => {
      throw new Error('enough')
    }
    await expect(records(['x\n'], readJsonl({ onBadRow }))).rejects.toThrow('enough')
  })

  it('refuse bad options', () => {
    expect(() => readJsonl({ maxRecordBytes: 1.5 })).toThrow(
      'Expected `maxRecordBytes` to be a positive integer, got 1.5',
    )
    for (const delimiter of ['', ';;', '"', '\n', ' ', 'é'])
      expect(() => readCsv({ delimiter })).toThrow(TypeError)
  })

  it.each<[string, () => Transform, (i: number) => string]>([
    ['readJsonl', readJsonl, (i) => `${i}\n`],
    ['readJson', readJson, (i) => (i === 0 ? '[0' : `,${i}`)],
    ['readCsv', readCsv, (i) => `x\n${i}\n`],
  ])('%s reads no further than its consumer takes', async (_, reader, chunk) => {
    let given = 0
    const source = new Readable({
      highWaterMark: 1,
      read() {
        this.push(chunk(given++))
      },
    })
    let taken = 0
    const stalled = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write(_record, _encoding, done) {
        if (++taken < 10) done()
      },
    })
    const running = pipeline(source, reader(), stalled).catch(() => undefined)
    while (taken < 10) await settle()
    await settle()
    const then = given
    await settle()
    // The rows in the two buffers of the reader: 16 rows, and 16 KiB of input.
    expect(given).toBe(then)
    expect(given).toBeLessThan(16_384)
    stalled.destroy()
    await running
  })
})
