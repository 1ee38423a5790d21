import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { evaluate, type EvalOptions } from 'llm-pack-stream/eval'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { messages, qualityClient } from '../helpers/quality-client.ts'
import { goldOf, labels } from '../simulator/quality/simulated.ts'

const folder = mkdtempSync(join(tmpdir(), 'eval-'))
const journal = join(folder, 'eval.jsonl')
afterEach(() => {
  rmSync(journal, { force: true })
})

const pricing = { input: 1, output: 2 }
function task(more: Partial<EvalOptions<string, { label: string }>> = {}) {
  const client = qualityClient({ accuracy: 0.9, noise: 0.05 })
  const options = {
    ...{ client, model: 'm', instructions: 'Label.', schema: z.object({ label: z.enum(labels) }) },
    ...{ records: messages(120), gold: goldOf, sizes: [10], maxInFlight: 2, pricing },
  }
  return { client, options: { ...options, ...more } }
}

describe('an eval', () => {
  it('asks each record once in each arm, in planned packs', async () => {
    const { client, options } = task()
    const report = await evaluate(options)
    expect(report.arms.map(({ name, records, requests }) => [name, records, requests])).toEqual([
      ['packs of 1', 120, 120],
      ['packs of 1 again', 120, 120],
      ['packs of 10', 120, 12],
      ['packs of 10 again', 120, 12],
    ])
    expect(client.calls).toHaveLength(264)
    expect(client.maxInFlight).toBe(2)
    expect(report).toMatchObject({ records: 120, scoredBy: 'labels', stopped: undefined })
  })
})
