import type { EvalReport } from '../../eval/index.ts'
import { wrap } from '../terminal/aligned.ts'
import { textTable } from '../terminal/text-table.ts'
import { dollars } from '../terminal/words.ts'
import { known, meanOf, perSecond, pointRange, points, SCORES } from './words.ts'

/** Columns of a pipe, and the longest line that is easy to read. */
const PIPE_COLUMNS = 80
const MOST_COLUMNS = 100

export const widthOf = ({ columns = PIPE_COLUMNS }: { readonly columns?: number }): number =>
  Math.min(columns, MOST_COLUMNS)

/** The arms and the recommendation for people. Ends with the command, on a line of its own. */
export function formatReport(report: EvalReport, use: string, width: number): string {
  const { arms, scoredBy, recommendation } = report
  const asked = arms.filter(({ records }) => records > 0)
  const columns = new Map([
    ['arm', asked.map(({ name }) => name)],
    [scoredBy === 'agreement' ? 'agreement' : SCORES[scoredBy].toLowerCase(), asked.map(({ score }) => meanOf(score))],
    ['loss in points', asked.map(({ loss }) => (loss ? `${points(loss.mean)} (${pointRange(loss)})` : ''))],
    ['verdict', asked.map(({ loss, isStopped }) => `${loss?.verdict ?? ''}${isStopped ? ' *' : ''}`)],
    ['$/1,000', asked.map(({ costPer1000 }) => known(costPer1000, dollars))],
    ['records/s', asked.map(({ speed }) => known(speed.recordsPerSecond, perSecond))],
  ]) // prettier-ignore
  if (asked.every(({ costPer1000 }) => costPer1000 === undefined)) columns.delete('$/1,000')
  return [
    ...textTable(columns, { width, optional: ['records/s', '$/1,000', 'verdict'], left: ['arm', 'verdict'] }),
    ...wrap(footnote(report), width),
    '',
    ...recommendation.sentences.flatMap((sentence) => wrap(sentence, width)),
    '',
    use,
  ].join('\n')
}

function footnote({ arms, margin }: EvalReport): string {
  const stopped = arms.some(({ isStopped }) => isStopped)
    ? ' *: stopped before the end of the sample, because it cannot win.'
    : ''
  return `Losses against packs of one, with 95% intervals; the margin is ${points(margin)} points.${stopped}`
}
