import { expect } from 'vitest'
import { FROM_SOURCE, runNode } from '../helpers/run.ts'

/**
 * Sends records through a stream in another process, and checks that the heap grows by less than
 * `bytes` for each record.
 */
export async function expectFlatHeap(count: number, flags: readonly string[], bytes: number): Promise<void> {
  const job = [
    '--expose-gc',
    FROM_SOURCE,
    'test/promises/memory-job.ts',
    '--records',
    String(count),
    ...flags,
  ]
  const { stdout, stderr } = await runNode(job)
  expect(stderr).toBe('')
  const { outcomes, heap, retries } = JSON.parse(stdout) as {
    outcomes: number
    heap: number[]
    retries: number
  }
  console.log(`heap at each tenth, MB: ${heap.map((size) => (size / 1e6).toFixed(1)).join(' ')}`)
  expect(outcomes).toBe(count)
  expect(retries).toBeGreaterThan(count / 10_000)
  const [, second = NaN] = heap
  expect(heap.at(-1)! - second).toBeLessThan(0.8 * count * bytes)
}
