import { expect, it } from 'vitest'
import { chaos, ways } from './chaos-run.ts'

it.each(ways)(
  'a server that does everything wrong, and a slow consumer, $how: 20,000 records have an outcome each, and all that can succeed do',
  async ({ flags }) => {
    const { fulfilled, rejected } = await chaos('--records', '20000', '--seed', '1', ...flags)
    // One in 400 is poisoned.
    expect(fulfilled).toBe(19_950)
    expect(Object.values(rejected).reduce((sum, count) => sum + count, 0)).toBe(50)
  },
)
