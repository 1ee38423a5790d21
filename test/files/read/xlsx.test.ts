import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { writeXlsx } from 'hucre/xlsx'
import { afterAll, describe, expect, it } from 'vitest'
import { readRows, type ReadOptions } from 'llm-pack-stream/readers'
import { short } from '../rows-of.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-xlsx-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

async function shortOf(file: string, options?: ReadOptions): Promise<string[]> {
  const all: string[] = []
  for await (const row of readRows([file], options)) all.push(short(row))
  return all
}

describe('a file of openpyxl', () => {
  it('gives texts, as a CSV file of the sheet would have', async () => {
    expect(await shortOf(fixture('openpyxl.xlsx'))).toEqual([
      '2: {"id":"1","text":"Where is my card?","amount":"1.1","when":"2024-01-31T10:30:00","paid":"TRUE","_6":"","id_2":"x","_8":"","pct":"0.25","big":"12345678901234600"}',
      '3: {"id":"2","text":"  spaces  ","amount":"0.3","when":"2024-02-29","paid":"FALSE","_6":"","id_2":"y","_8":"","pct":"1e+21","big":"-0.5"}',
      '5: {"id":"3","text":"ü 😀\\nline","amount":"","when":"10:30:05","paid":"","_6":"","id_2":"","_8":"","pct":"","big":""}',
      '6: {"id":"#N/A","text":"","amount":"","when":"","paid":"","_6":"","id_2":"","_8":"","pct":"","big":""}',
      '8: {"id":"8","text":"","amount":"1234.5","when":"2023-03-15T18:00:00","paid":"","_6":"","id_2":"","_8":"","pct":"","big":""}',
    ])
  })

  it('reads another sheet by its name', async () => {
    expect(await shortOf(fixture('openpyxl.xlsx'), { sheet: 'Second' })).toEqual(['2: {"a":"1","b":"2"}'])
    await expect(shortOf(fixture('openpyxl.xlsx'), { sheet: 'Third' })).rejects.toThrow(
      `openpyxl.xlsx: it can't be read as XLSX: there is no sheet "Third"; there are: "Tickets", "Second"`,
    )
  })
})

describe('a file of XlsxWriter, whose texts stand behind its sheets', () => {
  it('has rich texts, values of formulas, and a row with too many cells', async () => {
    expect(await shortOf(fixture('xlsxwriter.xlsx'))).toEqual([
      '2: {"id":"1","text":"Where is my card?","sum":"2"}',
      '3: {"id":"2","text":"line\\r\\nend","sum":"2x"}',
      '4: wrong_column_count "3\\ttoo\\tmany\\tcells"',
    ])
    expect(await shortOf(fixture('xlsxwriter.xlsx'), { sheet: 'Other' })).toEqual(['2: {"name":"Ada"}'])
  })
})

describe('a sheet of several pieces', () => {
  const count = 3_000
  const file = join(folder, 'pieces.xlsx')

  it('gives all rows in order, and says how far it is', async () => {
    const lines = Array.from({ length: count }, (_, i) => [i, `text ${i}`])
    writeFileSync(file, await writeXlsx({ sheets: [{ name: 'S', rows: [['id', 'text'], ...lines] }] }))
    const rows = readRows([file])
    let expected = 0
    for await (const row of rows) {
      expect(short(row)).toBe(`${expected + 2}: {"id":"${expected}","text":"text ${expected}"}`)
      expected++
    }
    expect(expected).toBe(count)
    expect(rows.bytesRead).toBe(rows.bytesTotal)
  })

  it('stops in the middle', async () => {
    for await (const { line } of readRows([file])) if (line === 1_000) break
  })
})

describe('a file that cannot be read', () => {
  const whole = readFileSync(fixture('xlsxwriter.xlsx'))

  it('is cut or changed', async () => {
    const file = join(folder, 'cut.xlsx')
    for (let at = 0; at < whole.length; at += 211) {
      writeFileSync(file, whole.subarray(0, at))
      await expect(shortOf(file)).rejects.toMatchObject({ name: 'FileError', code: 'cannot_read' })
    }
    for (let at = 0; at < whole.length; at += 97) {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ 0xff
      writeFileSync(file, bytes)
      await shortOf(file).catch((error: unknown) => {
        expect((error as Error).name).toBe('FileError')
      })
    }
  })

  it('is a workbook of an old Excel, or has a password', async () => {
    const file = join(folder, 'old.xlsx')
    writeFileSync(file, Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(2_000)]))
    await expect(shortOf(file)).rejects.toThrow(
      "old.xlsx: it can't be read as XLSX: it has a password, or is an .xls of old",
    )
  })

  it('is a pipe', async () => {
    await expect(shortOf('-', { format: 'xlsx', stdin: new PassThrough() })).rejects.toThrow(
      "stdin: XLSX can't be read from a pipe",
    )
  })
})
