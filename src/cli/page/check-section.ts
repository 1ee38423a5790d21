import type { RunRecord } from '../measure/run-record.ts'
import { whole } from '../terminal/words.ts'
import type { Html } from './html.ts'
import { table, type Section } from './parts.ts'

/** The section about the checks of a run, if it had any. */
export function checkSections({ votes }: RunRecord, which: string): Section[] {
  return votes ? [{ id: 'checks', title: `Checks${which}`, body: votesOf(votes) }] : []
}

const NUMBERS = { kind: 'number' } as const

function votesOf({ ballots, split, undecided }: NonNullable<RunRecord['votes']>): Html {
  return table(
    'Votes',
    [
      { name: 'what', cell: ([what]) => what },
      { ...NUMBERS, name: 'number', cell: ([, count]) => whole(count) },
    ],
    [
      ['ballots', ballots],
      ['records with different answers', split],
      ['records without a majority', undecided],
    ] as const,
  )
}
