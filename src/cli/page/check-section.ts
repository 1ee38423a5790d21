import type { RunRecord } from '../measure/run-record.ts'
import { changeOf, signed } from '../terminal/checks.ts'
import { dollars, percent, whole } from '../terminal/words.ts'
import { html, type Html } from './html.ts'
import { table, type Section } from './parts.ts'

/** The section about the checks of a run, if it had any. */
export function checkSections({ votes, audit }: RunRecord, which: string): Section[] {
  const parts = [...(votes ? [votesOf(votes)] : []), ...(audit ? [auditOf(audit)] : [])]
  return parts.length === 0 ? [] : [{ id: 'checks', title: `Checks${which}`, body: html`${parts}` }]
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

function auditOf(audit: NonNullable<RunRecord['audit']>): Html {
  const { margin, steps, requests, cost, dropped } = audit
  const paid = cost === undefined ? '' : `, for ${dollars(cost)}`
  const missing = dropped === 0 ? '' : ` ${whole(dropped)} of the records were not compared.`
  return html`<p>
      The audit asked a share of the records twice more, alone, in ${whole(requests)}
      requests${paid}.${missing} Noise is how often the two answers alone differ. The margin is
      ${percent(margin)}.
    </p>
    ${table(
      'Audit: answers that packing changes',
      [
        { name: 'most records in a pack', cell: ({ packRecords }) => whole(packRecords) },
        { ...NUMBERS, name: 'records compared', cell: ({ records }) => whole(records) },
        { ...NUMBERS, name: 'changed beyond noise', cell: (stage) => shown(changeOf(stage), signed) },
        {
          ...NUMBERS,
          name: 'interval',
          cell: ({ interval: { low, high } }) => `${signed(low)} to ${signed(high)}`,
        },
        { ...NUMBERS, name: 'noise', cell: ({ noise }) => shown(noise, percent) },
      ],
      [...steps, audit],
    )}`
}

function shown(share: number | undefined, words: (share: number) => string): string {
  return share === undefined ? '' : words(share)
}
