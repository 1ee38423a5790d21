import type { FaultFlags, LatencyFlags } from '../flags/flags.ts'

export interface SimulateFlags extends LatencyFlags, FaultFlags {
  port?: number
  rpm?: number
  tpm?: number
  contextTokens?: number
  apiKey?: string
}
