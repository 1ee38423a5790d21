import type { Option } from 'commander'
import { defaults } from '../../options/index.ts'
import { flag, numberFlag } from './flags.ts'
import { UsageError } from './usage-error.ts'

/** Flags of answers that are checked. */
export interface CheckFlags {
  votes?: number
  agreeOn?: string
  /** From 0 to 1, as `auditMargin`. */
  audit?: number
  auditMargin?: number
  auditGuard?: boolean
}

export function checkFlags(): Option[] {
  return [
    numberFlag(
      '--votes <number>',
      'ask each record in 2 requests with other neighbours, and up to this number of requests while the answers disagree; the majority counts',
    ),
    flag(
      '--agree-on <columns>',
      'column of the result, or columns with commas, in which answers have to agree for --votes and --audit (default: all columns)',
    ),
    shareFlag(
      '--audit <share>',
      'ask a share of the records, such as 2%, twice more, alone, and show how many answers packing changes',
    ),
    shareFlag(
      '--audit-margin <share>',
      `share of the answers that packing may change beyond the model's own noise (default: ${100 * defaults.auditMargin}%)`,
    ),
    flag('--audit-guard', 'make packs smaller when the audit shows a change above --audit-margin'),
  ]
}

/** A flag with a share, in per cent or as a number from 0 to 1. */
function shareFlag(flags: string, description: string): Option {
  const option = flag(flags, description)
  return option.argParser((text) => parseShare(option.long ?? flags, text))
}

/** `2%` or `0.02`. The library checks the range. */
export function parseShare(name: string, text: string): number {
  const [, number = ''] = /^\s*([^%\s]+)\s*%?\s*$/.exec(text) ?? []
  const share = number === '' ? NaN : Number(number)
  if (Number.isNaN(share))
    throw new UsageError(`${name}: expected a share, such as 2% or 0.02, got ${JSON.stringify(text)}`)
  return text.includes('%') ? share / 100 : share
}
