import type { Stats } from '../../index.ts'
import type { RunReasons } from '../measure/reasons.ts'
import type { Price } from '../task/price.ts'
import type { Line } from './aligned.ts'
import { checkLines } from './checks.ts'
import { dollars, duration, whole } from './words.ts'

/** Number of reasons that a summary shows of each kind. `--json` has all. */
const SHOWN_REASONS = 5
/** Longest reason in a summary, in characters: it fits on one line. */
const SHOWN_LENGTH = 70

/** The requests and tokens of a job, their price, and why some records were sent again. */
export function accountOf(stats: Stats, { rejected, retried, waited }: RunReasons, { said }: Price): Line[] {
  const { requests, retries, tokens, cost, answers, cache } = stats
  const wasted = Object.values(tokens.wasted).reduce((sum, some) => sum + some, 0)
  const reused = cache.hits + cache.shared
  return [
    [
      'requests',
      `${whole(requests)}${retries > 0 ? `, ${whole(retries)} of them with records asked again` : ''}`,
    ],
    [
      'tokens',
      `${whole(tokens.input)} in (${whole(tokens.cached)} cached), ${whole(tokens.output)} out` +
        (wasted > 0 ? `, ${whole(wasted)} wasted` : ''),
    ],
    ['cost', [...(cost === undefined ? [] : [dollars(cost)]), ...(said === '' ? [] : [said])]],
    ...checkLines(stats),
    ['reused', reused === 0 ? [] : `${whole(reused)} results of the same text`],
    ['rejected', shown(rejected.map(({ count, code, reason }) => counted(count, `${code}: ${reason}`)))],
    ['retried', shown(retried.map(({ count, reason }) => counted(count, reason)))],
    [
      'waited',
      shown(waited.map(({ seconds, reason }) => `${duration(seconds * 1_000)}: ${lowerFirst(reason)}`)),
    ],
    [
      'answers',
      [
        ...(answers.wrapped > 0 ? [`${whole(answers.wrapped)} in another form than asked, and read`] : []),
        ...(answers.strayIds > 0 ? [`${whole(answers.strayIds)} with an id that was not asked`] : []),
      ],
    ],
  ]
}

function counted(count: number, reason: string): string {
  return `${whole(count)} ${reason}`
}

function shown(reasons: readonly string[]): string[] {
  const rest = reasons.length - SHOWN_REASONS
  const short = reasons.slice(0, SHOWN_REASONS).map((text) => cut(text, SHOWN_LENGTH))
  return rest > 0 ? [...short, `and ${rest} more ${rest === 1 ? 'reason' : 'reasons'}`] : short
}

/** The beginning of a text on one line. */
export function cut(text: string, length: number): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}

/** `the rate limit was reached`: a sentence of the library within a line. */
function lowerFirst(text: string): string {
  return text.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase())
}
