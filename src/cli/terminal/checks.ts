import type { Stats } from '../../index.ts'
import type { Line } from './aligned.ts'
import { whole } from './words.ts'

/** The lines of a summary about the checks of a job. */
export function checkLines({ votes }: Pick<Stats, 'votes'>): Line[] {
  return [['votes', votes ? votesText(votes) : []]]
}

/** The parts of a progress line about them. */
export function checkParts({ votes }: Pick<Stats, 'votes'>): string[] {
  return votes && votes.split > 0 ? [`${whole(votes.split)} split`] : []
}

function votesText({ ballots, split, undecided }: NonNullable<Stats['votes']>): string {
  return (
    `${whole(ballots)} ballots; ${whole(split)} ${split === 1 ? 'record' : 'records'} with different answers` +
    (undecided > 0 ? `, ${whole(undecided)} without a majority` : '')
  )
}
