import { expect, test } from 'vitest'
import type { Encoding } from 'llm-pack-stream/exact-tokens'
import { tokenCounter } from '../../../src/cli/task/job.ts'

test('only an absent package is told as an absent package', async () => {
  await expect(tokenCounter('plan', 'p50k_base' as Encoding)).rejects.toMatchObject({
    ...{ name: 'TypeError', option: 'encoding' },
  })
})
