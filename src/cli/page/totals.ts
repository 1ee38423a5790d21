import type { RunRecord } from '../measure/run-record.ts'
import { duration, money, tenths, whole } from '../terminal/words.ts'
import type { Contents } from './contents.ts'
import type { Tile } from './parts.ts'
import type { State } from './shell.ts'

/** The words at the top of a page. `run` is the last run. */
export function stateOf(run: RunRecord | undefined, { rows, rejected }: Contents): State {
  const all = accountOf(rows, rejected)
  const simulated = run?.server === 'simulator' ? ' The simulator answered, which is no model.' : ''
  if (!run)
    return {
      kind: rejected > 0 ? 'part' : 'good',
      title: 'An output without a record of its runs.',
      text: all,
    }
  if (run.status === 'failed') {
    return { kind: 'bad', title: 'The run had to stop.', text: `${run.error ?? ''} ${all}${simulated}` }
  }
  if (run.status === 'interrupted') {
    return { kind: 'part', title: 'The run was interrupted.', text: `${all}${simulated}` }
  }
  return { kind: rejected > 0 ? 'part' : 'good', title: 'Complete.', text: `${all}${simulated}` }
}

function accountOf(rows: number, rejected: number): string {
  if (rows === 0) return 'There is no record.'
  if (rows === 1) return rejected > 0 ? 'The record was rejected.' : 'The record has its result.'
  const rejects = rejected > 0 ? `, ${whole(rejected)} ${rejected === 1 ? 'was' : 'were'} rejected` : ''
  return `${whole(rows - rejected)} of ${whole(rows)} records have their result${rejects}.`
}

/** The most important numbers of all runs. */
export function totals(runs: readonly RunRecord[], { rows, rejected }: Contents): Tile[] {
  const records: Tile[] = [
    { name: 'Records', value: whole(rows) },
    { name: 'Fulfilled', value: whole(rows - rejected), more: shareOf(rows - rejected, rows) },
    { name: 'Rejected', value: whole(rejected), more: shareOf(rejected, rows) },
  ]
  if (runs.length === 0) return records
  const sum = (of: (run: RunRecord) => number) => runs.reduce((total, run) => total + of(run), 0)
  const [cost, seconds] = [sum((run) => run.cost ?? 0), sum((run) => run.seconds)]
  const [input, output] = [sum(({ tokens }) => tokens.input), sum(({ tokens }) => tokens.output)]
  const asked = sum(({ records: { done, earlier } }) => done - earlier)
  const wasted = sum(({ tokens }) => Object.values(tokens.wasted).reduce((all, some) => all + some, 0))
  const isPriced = runs.some((run) => run.cost !== undefined)
  const first = runs.at(-1)?.firstResult
  return [
    ...records,
    {
      name: 'Time',
      value: duration(seconds * 1_000),
      more: `${tenths(asked / Math.max(seconds, 0.001))} records a second`,
    },
    ...(first === undefined
      ? []
      : [{ name: 'First result', value: duration(first), more: 'after the start' }]),
    ...(isPriced
      ? [
          {
            name: 'Cost',
            value: money(cost),
            more: asked > 0 ? `${money((cost / asked) * 1_000)} for 1,000 records` : undefined,
          },
        ]
      : []),
    {
      name: 'Requests',
      value: whole(sum(({ requests }) => requests.sent)),
      more: `${whole(sum(({ requests }) => requests.retries))} of them asked again`,
    },
    {
      name: 'Input tokens',
      value: whole(input),
      more: `${whole(sum(({ tokens }) => tokens.cached))} from a cache`,
    },
    { name: 'Output tokens', value: whole(output), more: `${whole(wasted)} tokens bought no result` },
  ]
}

function shareOf(part: number, all: number): string | undefined {
  return all === 0 ? undefined : `${tenths((100 * part) / all)}%`
}
