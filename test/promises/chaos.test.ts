import { expect, it } from 'vitest'
import { chaos, ways } from './chaos-run.ts'

it.each(ways)(
  'a server with all kinds of faults, and a slow consumer, $how: each of 2,000 records has one outcome, and every healthy record succeeds',
  async ({ flags }) => {
    const { fulfilled } = await chaos('--records', '2000', '--seed', '2', ...flags)
    // One record in 400 is poisoned.
    expect(fulfilled).toBe(2_000 - 5)
  },
)
