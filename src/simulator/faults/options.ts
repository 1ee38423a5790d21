import { isWhole, knownKeys, number, withOption } from '../checks.ts'
import { shown } from '../shown.ts'
import { type FaultKind, faultKinds, type Faults, type PoisonKind, poisonKinds } from './kinds.ts'

/**
 * Faults with all defaults filled in. The kinds are in the order of their lists. Kinds that never
 * occur are left out.
 */
export type ResolvedFaults = {
  seed: number
  rates: [kind: FaultKind, share: number][]
  poison: [kind: PoisonKind, pattern: RegExp][]
  chunks: 'tokens' | 'random'
}

/** Tolerance for rounding errors: fractions that should add up to 1 may add up to slightly more. */
const rounding = 1e-9

/**
 * Checks the option `faults` and fills in the defaults. Throws a `TypeError` or `RangeError` that
 * names the option.
 */
export function resolveFaults(faults: Faults): ResolvedFaults {
  knownKeys('faults.', faults, ['seed', 'rates', 'poison', 'chunks'])
  const { seed = 1, rates = {}, poison = {}, chunks = 'tokens' } = faults
  number('faults.seed', seed, 'a whole number', isWhole)
  if (!(['tokens', 'random'] as unknown[]).includes(chunks)) {
    throw withOption(
      'faults.chunks',
      new TypeError(`faults.chunks: expected 'tokens' or 'random', got ${shown(chunks)}`),
    )
  }
  return { seed, rates: resolveRates(rates), poison: resolvePoison(poison), chunks }
}

function resolveRates(rates: NonNullable<Faults['rates']>): ResolvedFaults['rates'] {
  knownKeys('faults.rates.', rates, faultKinds)
  const resolved = faultKinds.map((kind): [FaultKind, number] => {
    const { [kind]: share = 0 } = rates
    number(`faults.rates.${kind}`, share, 'a share from 0 to 1', (value) => value >= 0 && value <= 1)
    return [kind, share]
  })
  const together = resolved.reduce((sum, [, share]) => sum + share, 0)
  number('faults.rates', together, 'shares that are together at most 1', (value) => value <= 1 + rounding)
  return resolved.filter(([, share]) => share > 0)
}

function resolvePoison(poison: NonNullable<Faults['poison']>): ResolvedFaults['poison'] {
  knownKeys('faults.poison.', poison, poisonKinds)
  return poisonKinds.flatMap((kind): [PoisonKind, RegExp][] => {
    const pattern: unknown = poison[kind]
    if (pattern === undefined) return []
    if (!(pattern instanceof RegExp)) {
      throw withOption(
        `faults.poison.${kind}`,
        new TypeError(`faults.poison.${kind}: expected a RegExp, got ${shown(pattern)}`),
      )
    }
    // With the flag `g` or `y`, a pattern remembers its last position. Then the same text would
    // match only every other time.
    return [[kind, new RegExp(pattern.source, pattern.flags.replace(/[gy]/gu, ''))]]
  })
}
