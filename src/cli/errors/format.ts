import { cut } from '../terminal/account.ts'
import { aligned, type Line } from '../terminal/aligned.ts'
import { whole } from '../terminal/words.ts'
import type { ErrorReport, RejectedExample, RejectedGroup } from './groups.ts'

/** Longest text of an example on a line, in characters. */
const SHOWN_LENGTH = 66

/** The report for a person. Ends with a line feed. */
export function formatErrors({ files, rows, rejected, foreign, groups }: ErrorReport): string {
  const of = files.length === 1 ? (files[0] === '-' ? 'standard input' : files[0]) : `${files.length} files`
  const others =
    foreign === 0 ? [] : [`${whole(foreign)} ${foreign === 1 ? 'row is' : 'rows are'} not from a run.`]
  if (rejected === 0)
    return `${['No row of', of].join(' ')} was rejected.\n${others.map((text) => `${text}\n`).join('')}`
  const head = `${whole(rejected)} of ${whole(rows)} rows of ${of} ${rejected === 1 ? 'was' : 'were'} rejected.`
  return `${[head, ...others, ...groups.map(formatGroup)].join('\n')}\n`
}

function formatGroup({ code, reason, count, advice, examples }: RejectedGroup): string {
  return aligned([
    ['', ''],
    [whole(count), `${code}: ${reason}`],
    ...examples.flatMap(linesOf),
    ['to do', advice === '' ? [] : advice],
  ])
}

function linesOf({ row, index, record, raw }: RejectedExample): Line[] {
  return [
    ['at', index === undefined ? row : `${row}, record ${index}`],
    ['', cut(record, SHOWN_LENGTH)],
    ['wrote', raw === undefined ? [] : cut(raw, SHOWN_LENGTH)],
  ]
}
