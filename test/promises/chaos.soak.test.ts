import { expect, it } from 'vitest'
import { chaos, ways } from './chaos-run.ts'

const runs: Awaited<ReturnType<typeof chaos>>[] = []

it.each(ways)(
  'a server with all kinds of faults, and a slow consumer, $how: each of 20,000 records has one outcome, and every healthy record succeeds',
  async ({ flags }) => {
    const run = await chaos('--records', '20000', '--seed', '1', ...flags)
    runs.push(run)
    // One record in 400 is poisoned.
    expect(run.fulfilled).toBe(19_950)
    expect(Object.values(run.rejected).reduce((sum, count) => sum + count, 0)).toBe(50)
  },
)

it('each kind of fault and of waste happens in these runs', () => {
  // A run has each kind about 8 times, so now and then a run lacks a kind.
  const never = (counts: (run: (typeof runs)[number]) => Record<string, number>) =>
    Object.keys(counts(runs[0]!)).filter((name) => runs.every((run) => counts(run)[name] === 0))
  // The records themselves cause refusals and filters, and no record breaks its server.
  expect(never((run) => run.faults)).toEqual([
    'refusal',
    'content_filter',
    'poison_server_error',
    'poison_reset',
  ])
  expect(never((run) => run.wasted)).toEqual([])
})
