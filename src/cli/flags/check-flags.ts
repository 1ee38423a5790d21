import type { Option } from 'commander'
import { flag, numberFlag } from './flags.ts'

/** Flags of answers that are checked. */
export interface CheckFlags {
  votes?: number
  agreeOn?: string
}

export function checkFlags(): Option[] {
  return [
    numberFlag(
      '--votes <number>',
      'ask each record in 2 requests with other neighbours, and up to this number of requests while the answers disagree; the majority counts',
    ),
    flag(
      '--agree-on <columns>',
      'column of the result, or columns with commas, in which answers have to agree for --votes (default: all)',
    ),
  ]
}
