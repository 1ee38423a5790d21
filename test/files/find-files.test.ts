import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFiles, formatOf } from 'llm-pack-stream/readers'

const folder = mkdtempSync(join(tmpdir(), 'find-files-'))
const at = (name: string): string => join(folder, name)

beforeAll(() => {
  mkdirSync(at('deep.csv'))
  for (const name of ['b.csv', 'a.csv', 'c.jsonl', 'odd[1].csv', 'deep.csv/d.csv'])
    writeFileSync(at(name), '')
  symlinkSync(at('a.csv'), at('link.tsv'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('findFiles', () => {
  it('keeps the order of names, and sorts the matches of each pattern', async () => {
    expect(await findFiles([at('c.jsonl'), at('[ab].csv'), '-'])).toEqual([
      at('c.jsonl'),
      at('a.csv'),
      at('b.csv'),
      '-',
    ])
    expect(await findFiles([at('**/d.csv')])).toEqual([at('deep.csv/d.csv')])
    expect(await findFiles([at('*.{csv,jsonl}')])).toEqual(
      ['a.csv', 'b.csv', 'c.jsonl', 'odd[1].csv'].map(at),
    )
    expect(await findFiles(['src/files/index.*'])).toEqual(['src/files/index.ts'])
    expect(await findFiles([])).toEqual([])
  })

  it('reads a name with brackets as a name if there is such a file', async () => {
    expect(await findFiles([at('odd[1].csv')])).toEqual([at('odd[1].csv')])
  })

  it.each([
    ['a name that no file has', ['none.csv'], 'no_match', 'none.csv: it does not exist'],
    ['a pattern that no file has', ['*.tab'], 'no_match', '*.tab: no file matches it'],
    ['a directory', ['deep.csv'], 'cannot_read', 'deep.csv: it is a directory'],
    ['one twice', ['a.csv', 'a.csv'], 'named_twice', 'a.csv: it is named twice'],
    ['one by two patterns', ['a.csv', '*.csv'], 'named_twice', 'a.csv: it is named twice'],
    [
      'one by a link',
      ['a.csv', 'link.tsv'],
      'named_twice',
      `link.tsv: it is named twice, also as ${at('a.csv')}`,
    ],
  ])('throws for %s', async (_, patterns, code, message) => {
    await expect(findFiles(patterns.map(at))).rejects.toThrow(
      expect.objectContaining({ code, message: join(folder, message) }),
    )
  })

  it.skipIf(process.platform !== 'linux')('accepts a pipe without a path by its number', () => {
    const index = JSON.stringify(new URL('../../src/files/index.ts', import.meta.url).href)
    const program = `import { findFiles } from ${index}
      const [, first] = process.argv
      console.log((await findFiles(process.argv.slice(1))).length)
      await findFiles([first, first]).catch(({ message }) => console.log(message.slice(first.length)))`
    const script = 'true | "$0" --input-type=module -e "$1" /dev/stdin <(true) <(true)'
    expect(execFileSync('bash', ['-c', script, process.execPath, program]).toString()).toBe(
      '3\n: it is named twice\n',
    )
  })

  it('throws for stdin twice', async () => {
    await expect(findFiles(['-', '-'])).rejects.toThrow('stdin: it is named twice')
  })
})

describe('formatOf', () => {
  it.each([
    ['a.jsonl', 'jsonl', undefined],
    ['a.NDJSON', 'jsonl', undefined],
    ['dir.csv/a.json', 'json', undefined],
    ['a.b.csv.gz', 'csv', 'gzip'],
    ['a.tsv.zst', 'tsv', 'zstd'],
    ['a.tab', 'tsv', undefined],
    ['a.txt', 'lines', undefined],
    ['a.log.GZ', 'lines', 'gzip'],
    ['a.gz', undefined, 'gzip'],
    ['a.csv.bz2', undefined, undefined],
    ['a.constructor', undefined, undefined],
    ['csv', undefined, undefined],
    ['-', undefined, undefined],
    ['', undefined, undefined],
  ])('%s', (name, format, compression) => {
    expect(formatOf(name)).toEqual({ format, compression })
  })
})
