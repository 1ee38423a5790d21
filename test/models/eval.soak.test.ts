import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { evalAnimals } from './eval-animals.ts'
import { noModel } from './llama-server.ts'

describe.skipIf(noModel !== undefined)('an eval of a model that loses its place in a pack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('says not to pack', async () => {
    const { arms, recommendation } = await evalAnimals(folder)
    const [alone, packed] = ['alone', 'packed'].map((kind) => arms.find((arm) => arm.kind === kind)!)
    process.stderr.write(`\nSmolLM2: ${recommendation.sentences.join('\n')}\n`)
    expect(alone!.score.mean).toBeGreaterThan(0.5)
    expect(packed!.loss!.verdict).toBe('beyond')
    expect(recommendation).toMatchObject({ kind: 'alone', size: 1 })
    expect(readFileSync(join(folder, 'eval.html'), 'utf8')).toContain('Do not pack.')
  })
})
