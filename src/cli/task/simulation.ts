import { faultKinds, startSimulator, type Simulator, type SimulatorOptions } from '../../simulator/index.ts'
import type { FaultFlags, LatencyFlags } from '../flags/trial-flags.ts'
import { given } from '../flags/given.ts'
import { asUsageError, UsageError } from '../flags/usage-error.ts'

/**
 * Starts a simulator by the flags of `simulate` or `run --simulate`. Each kind of fault has the
 * same share.
 */
export async function startSimulation(
  {
    timeToFirstToken,
    promptTokensPerSecond,
    outputTokensPerSecond,
    slowdown,
    faultRate = 0,
    faultSeed,
  }: LatencyFlags & FaultFlags,
  options: SimulatorOptions = {},
): Promise<Simulator> {
  if (faultRate < 0 || faultRate > 1) {
    throw new UsageError(`--fault-rate: expected a share from 0 to 1, got ${faultRate}`)
  }
  const rates = Object.fromEntries(faultKinds.map((kind) => [kind, faultRate / faultKinds.length]))
  try {
    return await startSimulator({
      ...options,
      latency: given({ timeToFirstToken, promptTokensPerSecond, outputTokensPerSecond, slowdown }),
      faults: { rates, ...given({ seed: faultSeed }) },
    })
  } catch (error) {
    throw asUsageError(error)
  }
}
