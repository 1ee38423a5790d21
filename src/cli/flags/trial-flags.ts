import type { Command, Option } from 'commander'
import { defaultLatency } from '../../simulator/index.ts'
import { addGroup, flag, numberFlag } from './flags.ts'

/** Flags of the time that answers take: in the simulator, or in a plan. */
export interface LatencyFlags {
  timeToFirstToken?: number
  promptTokensPerSecond?: number
  outputTokensPerSecond?: number
  slowdown?: number
}

/** Flags of the simulator's faults. */
export interface FaultFlags {
  faultRate?: number
  faultSeed?: number
}

export function faultFlags(): Option[] {
  return [
    numberFlag(
      '--fault-rate <share>',
      'share of requests that fail, from 0 to 1, in equal parts for each kind (default: 0)',
    ),
    numberFlag('--fault-seed <number>', 'number that decides which requests fail, and how (default: 1)'),
  ]
}

/** The flags of the simulator's latency. */
export function latencyFlags(): Option[] {
  return [
    numberFlag(
      '--time-to-first-token <ms>',
      `time until the first token of an answer (default: ${defaultLatency.timeToFirstToken})`,
    ),
    numberFlag(
      '--prompt-tokens-per-second <number>',
      `speed of reading the prompt, or Infinity (default: ${defaultLatency.promptTokensPerSecond})`,
    ),
    numberFlag(
      '--output-tokens-per-second <number>',
      `speed of writing the answer, or Infinity (default: ${defaultLatency.outputTokensPerSecond})`,
    ),
    numberFlag(
      '--slowdown <number>',
      `share by which each further request in flight slows the others (default: ${defaultLatency.slowdown})`,
    ),
  ]
}

/** Adds the flags of a trial with the simulator. */
export function addTrialFlags(command: Command): void {
  addGroup(command, 'Trial:', [
    flag('--simulate', 'send to a built-in server that is not a model'),
    ...latencyFlags(),
    ...faultFlags(),
  ])
}
