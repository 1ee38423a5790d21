import type { FaultFlags, LatencyFlags } from '../flags/trial-flags.ts'

/** Default of `--port`. */
export const PORT = 4010

export interface SimulateFlags extends LatencyFlags, FaultFlags {
  port?: number
  rpm?: number
  tpm?: number
  contextTokens?: number
  apiKey?: string
  /** A JSON file. */
  quality?: string
}
