import type { ArmReport } from './report.ts'
import type { Spent, Trial } from './trial.ts'

type Spending = Pick<ArmReport, 'speed' | 'requests' | 'tokens' | 'costPer1000'>

/** What an arm took and cost. */
export function spendingOf(spents: readonly Spent[], trials: readonly Trial[]): Spending {
  const total = (of: (spent: Spent) => number): number => spents.reduce((sum, spent) => sum + of(spent), 0)
  const records = total((spent) => spent.records)
  const each = (of: (spent: Spent) => number): number => (records === 0 ? 0 : total(of) / records)
  const seconds = total((spent) => spent.seconds)
  const cost = costOf(spents)
  const sent = trials.filter(({ ms }) => ms !== undefined)
  const times = sent.map(({ ms }) => ms ?? 0)
  const firsts = [...Map.groupBy(sent, ({ block, request }) => `${block}/${request}`).values()]
  return {
    speed: {
      recordsPerSecond: seconds > 0 ? records / seconds : undefined,
      firstResultMs: quantile(
        firsts.map((request) => Math.min(...request.map(({ ms }) => ms ?? 0))),
        0.5,
      ),
      p50Ms: quantile(times, 0.5),
      p95Ms: quantile(times, 0.95),
    },
    requests: total((spent) => spent.requests),
    tokens: {
      input: each(({ tokens }) => tokens.input),
      cached: each(({ tokens }) => tokens.cached),
      output: each(({ tokens }) => tokens.output),
      reasoning: each(({ tokens }) => tokens.reasoning),
    },
    costPer1000: cost === undefined || records === 0 ? undefined : (1_000 * cost) / records,
  }
}

/** US dollars. `undefined` if the price of a part is not known. */
export function costOf(spents: readonly Spent[]): number | undefined {
  return spents.reduce<number | undefined>(
    (sum, { cost }) => (sum === undefined || cost === undefined ? undefined : sum + cost),
    0,
  )
}

/** The value that this share of the values does not exceed. */
function quantile(values: readonly number[], share: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)]
}
