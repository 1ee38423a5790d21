import { expect, it } from 'vitest'
import { chaos, ways } from './chaos-run.ts'

it.each(ways)(
  'a server that does everything wrong, and a slow consumer, $how: 2,000 records have an outcome each, and all that can succeed do',
  async ({ flags }) => {
    const { fulfilled } = await chaos('--records', '2000', '--seed', '2', ...flags)
    // One in 400 is poisoned.
    expect(fulfilled).toBe(2_000 - 5)
  },
)
