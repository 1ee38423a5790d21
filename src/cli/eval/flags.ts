import type { JobFlags } from '../flags/flags.ts'
import type { SendingFlags } from '../flags/sending-flags.ts'
import type { EndpointFlags } from '../task/endpoint.ts'

/**
 * Records of the sample by default: with 3,000, a loss of 3 points in packs of 10 is usually found,
 * and packs of 5 can be shown to lose less than 2 points.
 */
export const SAMPLE = 3_000
/** The journal by default. Without one, Ctrl-C would lose what is paid for. */
export const JOURNAL = 'eval.jsonl'

/** The flags of requests that an eval has too. Its packs and its order are its own. */
export type EvalSendingFlags = Pick<
  SendingFlags,
  'maxCost' | 'maxAttempts' | 'firstTokenTimeout' | 'idleTimeout' | 'requestTimeout'
>

export interface EvalFlags extends Omit<JobFlags, 'maxPackRecords' | 'mix'>, EvalSendingFlags, EndpointFlags {
  gold?: string
  score?: string
  sizes?: readonly number[]
  margin?: number
  sample?: number
  seed?: number
  output?: string
  overwrite?: boolean
  report?: string
  json?: boolean
  quiet?: boolean
  progress?: boolean
  yes?: boolean
  quality?: string
}
