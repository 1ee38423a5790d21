import { createHash } from 'node:crypto'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { writeXlsxStream } from 'hucre/xlsx'
import { expect, it } from 'vitest'
import { readRows } from 'llm-pack-stream/readers'

it('reads no further in a sheet than its consumer wants', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-xlsx-'))
  try {
    const file = join(folder, 'large.xlsx')
    const rows = Array.from({ length: 3_000 }, (_, i) => [
      createHash('shake256', { outputLength: 6_000 }).update(String(i)).digest('base64'),
    ])
    const options = { name: 'S', columns: [{ header: 'text' }] }
    await pipeline(Readable.fromWeb(writeXlsxStream(rows, options) as never), createWriteStream(file))
    const stream = readRows([file])
    for await (const { line } of stream) {
      if (line < 600) continue
      const { bytesRead } = stream
      await setTimeout(1_000)
      // The first 500 rows and the next 1,000 rows, and what is on its way.
      expect(bytesRead / (stream.bytesTotal ?? 0)).toBeLessThan(0.7)
      expect(stream.bytesRead).toBe(bytesRead)
      break
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
