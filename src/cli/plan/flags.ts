import type { CheckFlags } from '../flags/check-flags.ts'
import type { JobFlags } from '../flags/flags.ts'
import type { Stated } from '../measure/range.ts'

/**
 * The largest pack that the plan may choose by default: the accuracy of models with larger packs is
 * not known.
 */
export const LARGEST = 50

/** The sizes that the plan always shows. */
export const SHOWN = [1, 5, 10, 25, 50]

export interface PlanFlags extends JobFlags, CheckFlags {
  timeToFirstToken?: Stated
  outputTokensPerSecond?: Stated
  promptTokensPerSecond?: number
  slowdown?: number
  outputTokens?: Stated
  measured?: string
  contextTokens?: number
  partition?: string
  cache?: string
  json?: boolean
}
