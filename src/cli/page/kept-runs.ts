import { existsSync, readFileSync } from 'node:fs'
import { runRecord, type RunRecord } from '../measure/run-record.ts'
import { real } from '../rows/real-path.ts'

/** What the runs of an output kept about themselves. */
export interface KeptRuns {
  readonly runs: readonly RunRecord[]
  /** What a reader of the page must know about them. */
  readonly notes: readonly string[]
}

const ONLY = 'This page shows what the output alone tells'

/** Reads what the runs of an output kept beside it. */
export function keptRuns(output: string): KeptRuns {
  const file = `${real(output)}.run.json`
  if (!existsSync(file)) {
    return {
      runs: [],
      notes: [`There is no ${output}.run.json, in which a run keeps its times and costs. ${ONLY}.`],
    }
  }
  const kept = runsIn(readFileSync(file, 'utf8'))
  if (!kept) return { runs: [], notes: [`${output}.run.json cannot be read. ${ONLY}.`] }
  const runs = kept.flatMap((one) => runRecord.safeParse(one).data ?? [])
  const unreadable = kept.length - runs.length
  return {
    runs,
    notes: [
      ...(kept.length === 0 ? [`No run has ended yet, so there are no times and costs. ${ONLY}.`] : []),
      ...(unreadable > 0
        ? [
            `Another version of this program made ${unreadable} of the ${kept.length} runs: this page leaves them out.`,
          ]
        : []),
    ],
  }
}

/** The columns of results, of all runs. `undefined`: they are not known. */
export function resultColumnsOf({ runs }: KeptRuns): readonly string[] | undefined {
  return runs.length === 0 ? undefined : runs.flatMap(({ resultColumns }) => resultColumns)
}

function runsIn(text: string): readonly unknown[] | undefined {
  try {
    const { runs = [] } = JSON.parse(text) as { readonly runs?: unknown }
    return Array.isArray(runs) ? runs : undefined
  } catch {
    return undefined
  }
}
