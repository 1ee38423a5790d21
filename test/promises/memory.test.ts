import { expect, it } from 'vitest'
import { FROM_SOURCE, runNode } from '../helpers/run.ts'

it.each([[[]], [['--preserve-order']]])('a million records leave the heap flat %j', async (flags) => {
  const job = ['--expose-gc', FROM_SOURCE, 'test/promises/memory-job.ts', ...flags]
  const { stdout, stderr } = await runNode(job)
  expect(stderr).toBe('')
  const { outcomes, heap, retries } = JSON.parse(stdout) as {
    outcomes: number
    heap: number[]
    retries: number
  }
  console.log(`heap every 100,000 records, MB: ${heap.map((bytes) => (bytes / 1e6).toFixed(1)).join(' ')}`)
  expect(outcomes).toBe(1_000_000)
  expect(retries).toBeGreaterThan(100)
  // One byte kept for each record of the last 800,000 would show; a record and its outcome are over a hundred.
  const [, ...settled] = heap
  expect(settled.at(-1)! - settled[0]!).toBeLessThan(800_000)
})
