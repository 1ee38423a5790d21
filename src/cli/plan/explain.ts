import { dollars, duration, tenths, whole } from '../terminal/words.ts'
import { best, NEAR, NEAR_PERCENT, ratio, type Choice } from './choose.ts'
import { MOST_RECORDS } from '../estimate/forecast.ts'
import type { Plan } from './plan-report.ts'
import { cachedPart, type PlanRow } from '../estimate/row.ts'

type Facts = Pick<Plan, 'tokens' | 'prompts' | 'results'> & { readonly asked: number }

/** Why the plan chooses this size, in a sentence or two. */
export function explain(choice: Choice, allowed: readonly PlanRow[], facts: Facts): string {
  const { row, isNear } = choice
  if (allowed.length === 1) return `${row.size}: no other size is possible.`
  if (!isNear) return whyNearest(choice, allowed)
  if (!row.isPacked) return whyNotPack(row, allowed, facts)
  return `${row.size}: the smallest pack within ${NEAR_PERCENT}% of ${least(choice, allowed)}; bound by ${row.boundBy}.${rival(allowed)}`
}

function whyNearest(choice: Choice, allowed: readonly PlanRow[]): string {
  const { row, cheapest, fastest } = choice
  const dearer = over(row.cost?.expected ?? 0, cheapest?.cost?.expected ?? 0, 'dearer')
  const slower = over(row.time.expected, fastest.time.expected, 'slower')
  return (
    `${row.size}: no size is within ${NEAR_PERCENT}% of both ${least(choice, allowed)}. This size ` +
    `comes nearest: ${dearer} and ${slower}. ${row.isPacked ? '' : 'It means not to pack. '}` +
    `The cheapest size is ${cheapest?.size ?? row.size}, the fastest ${fastest.size}.${row.isPacked ? rival(allowed) : ''}`
  )
}

/** `the least cost ($0.61) and time (12 min)` */
function least({ cheapest, fastest }: Choice, allowed: readonly PlanRow[]): string {
  const largest = allowed.at(-1)?.size ?? MOST_RECORDS
  const among = largest < MOST_RECORDS ? ` of all up to ${largest}` : ''
  const cost = cheapest?.cost ? `cost (${dollars(cheapest.cost.expected)}) and ` : ''
  return `the least ${cost}time (${duration(fastest.time.expected)})${among}`
}

function rival(allowed: readonly PlanRow[]): string {
  const plain = allowed.find(({ isPacked }) => !isPacked)
  return plain ? ` One record per request: ${figures(plain)}.` : ''
}

function whyNotPack(row: PlanRow, allowed: readonly PlanRow[], facts: Facts): string {
  const packed = best(
    allowed.filter(({ isPacked }) => isPacked),
    ({ cost, time }) => cost?.expected ?? time.expected,
  )
  const compared = `one record per request takes ${figures(row)}, packs of ${packed.size} take ${figures(packed)}`
  return `Packing does not pay here: ${compared}. ${reason(row, packed, facts)}`
}

function reason(plain: PlanRow, packed: PlanRow, { asked, tokens, prompts, results }: Facts): string {
  const cached = cachedPart(prompts.plain.prefixTokens)
  const fixed = `${whole(prompts.plain.tokens)} fixed tokens`
  if (cached > 0 && plain.cost && packed.cost && plain.cost.high > packed.cost.high * NEAR) {
    return (
      `The provider's cache holds ${whole(cached)} of the ${fixed} of each prompt. If it never hits, packs are cheaper ` +
      `(${dollars(packed.cost.high)} against ${dollars(plain.cost.high)}).`
    )
  }
  if (asked === 1) return 'There is only one record.'
  const tags = (tokens.packed - tokens.plain) / asked
  const envelope = results.element.expected - results.plain.expected
  return (
    `Each prompt has ${fixed} to share. Packing adds ${whole(prompts.packed.tokens - prompts.plain.tokens)} tokens to ` +
    `it, and ${tenths(tags)} tokens of input and ${tenths(envelope)} of output to each record.`
  )
}

/** `$0.61 and 12 min` */
function figures({ cost, time }: PlanRow): string {
  return [...(cost ? [dollars(cost.expected)] : []), duration(time.expected)].join(' and ')
}

function over(value: number, least: number, word: string): string {
  const percent = Math.round((ratio(value, least) - 1) * 100)
  return percent === 0 ? `no ${word}` : `${percent}% ${word}`
}
