import { expect, it } from 'vitest'
import { chaos, ways } from './chaos-run.ts'

it.each(ways)(
  'a server with all kinds of faults, and a slow consumer, $how: each of 20,000 records has one outcome, and every healthy record succeeds',
  async ({ flags }) => {
    const { fulfilled, rejected } = await chaos('--records', '20000', '--seed', '1', ...flags)
    // One record in 400 is poisoned.
    expect(fulfilled).toBe(19_950)
    expect(Object.values(rejected).reduce((sum, count) => sum + count, 0)).toBe(50)
  },
)
