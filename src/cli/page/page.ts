import type { RunRecord } from '../measure/run-record.ts'
import { whole } from '../terminal/words.ts'
import { resultSections, sampleSections } from './contents-sections.ts'
import type { Contents } from './contents.ts'
import { runSections, settingsSections } from './run-sections.ts'
import { pageIn } from './shell.ts'
import { stateOf, totals } from './totals.ts'

/** What a page shows. */
export interface PageData {
  /** The name of the output. */
  readonly name: string
  readonly madeAt: Date
  readonly version: string
  /** The runs that wrote the output, the last one at the end. */
  readonly runs: readonly RunRecord[]
  readonly contents: Contents
  /** What a reader must know about the data. */
  readonly notes: readonly string[]
}

/** Makes the page: HTML that needs no other file. */
export async function makePage(data: PageData): Promise<string> {
  const charts = await import('./charts.ts')
  const { name, madeAt, version, runs, contents } = data
  return pageIn({
    ...{ kind: 'Report of a run', name, madeAt, version },
    state: stateOf(runs.at(-1), contents),
    notes: [...data.notes, ...notesOn(name, runs.at(-1), contents)],
    tiles: totals(runs, contents),
    sections: [
      ...resultSections(contents, charts),
      ...runSections(runs, charts),
      ...sampleSections(contents),
      ...settingsSections(runs),
    ],
  })
}

function notesOn(
  name: string,
  run: RunRecord | undefined,
  { rejected, unreadable, isJournal }: Contents,
): string[] {
  const hidden = (run?.records.rejected ?? 0) - rejected
  return [
    ...(isJournal
      ? [
          `No run has finished ${name} yet. These are the rows of ${name}.run.jsonl, where a run keeps them until then.`,
        ]
      : []),
    ...(hidden > 0 ? [`Rejected records without a row in the output: ${whole(hidden)}.`] : []),
    ...(unreadable > 0 ? [`Rows of the output that cannot be read: ${whole(unreadable)}.`] : []),
  ]
}
