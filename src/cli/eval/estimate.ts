import type { Arm } from '../../eval/index.ts'
import { alphaOfEach, expectedClusters, smallestLoss } from '../../statistics/index.ts'
import { estimate } from '../estimate/estimate.ts'
import type { PlanRecord } from '../estimate/input.ts'
import type { PlanOptions } from '../estimate/options.ts'
import { rowOf } from '../estimate/row.ts'
import { addRanges, type Range } from '../measure/range.ts'
import { wrap } from '../terminal/aligned.ts'
import { textTable } from '../terminal/text-table.ts'
import { dollarRange, durationRange, whole } from '../terminal/words.ts'
import { points } from './words.ts'

/** What an arm will take, and what it can show. */
export interface ArmEstimate {
  readonly arm: Arm
  readonly requests: number
  /** US dollars. `undefined` without prices. */
  readonly cost: Range | undefined
  /** Milliseconds. */
  readonly time: Range
  /** The smallest loss that 80% of such samples show to be above 0. `undefined`: it has no loss. */
  readonly smallest: number | undefined
}

/** Before the sample is asked, nothing is known about these. They are stated with each estimate. */
const ASSUMED = { discordance: 0.08, correlation: 0.1, lowest: -0.5 }
/** The part of the chance of an error that is left for the end of the sample. */
const ALPHA_AT_END = 0.04

/** Estimates each arm. Sends nothing. */
export async function estimateArms(
  records: AsyncIterable<PlanRecord | undefined>,
  arms: readonly Arm[],
  options: PlanOptions,
): Promise<ArmEstimate[]> {
  const { input, packed, terms } = await estimate(records, options)
  const rivals = arms.filter(isRival).length
  return arms.map((arm) => {
    const { requests, cost, time } = rowOf(packed(arm.size), terms)
    return { arm, requests, cost, time, smallest: isRival(arm) ? smallestFor(arm, input.asked, rivals) : undefined }
  }) // prettier-ignore
}

const isRival = ({ kind }: Arm): boolean => kind === 'packed' || kind === 'extra'

function smallestFor({ size }: Arm, records: number, rivals: number): number {
  const { lowest, ...assumed } = ASSUMED
  const clusters = expectedClusters({ records, clusterSize: size, ...assumed })
  return smallestLoss(clusters, { alpha: alphaOfEach(ALPHA_AT_END, rivals), lowest, highest: 1 })
}

/** The sum over all arms, which are asked one after the other. */
export function sumOf(arms: readonly ArmEstimate[]): Pick<ArmEstimate, 'requests' | 'cost' | 'time'> {
  const costs = arms.flatMap(({ cost }) => (cost ? [cost] : []))
  const none = { low: 0, expected: 0, high: 0 }
  return {
    requests: arms.reduce((sum, { requests }) => sum + requests, 0),
    cost: costs.length < arms.length ? undefined : costs.reduce(addRanges, none),
    time: arms.map(({ time }) => time).reduce(addRanges, none),
  }
}

/** The estimate as a table for people. */
export function formatEstimate(arms: readonly ArmEstimate[], width: number): string {
  const rows = [
    ...arms.map((one) => ({ ...one, name: one.arm.name })),
    { ...sumOf(arms), name: 'all', smallest: undefined },
  ]
  const columns = new Map([
    ['arm', rows.map(({ name }) => name)],
    ['requests', rows.map(({ requests }) => whole(requests))],
    ['cost', rows.map(({ cost }) => (cost ? dollarRange(cost) : ''))],
    ['time', rows.map(({ time }) => durationRange(time))],
    ['finds a loss of', rows.map(({ smallest }) => (smallest === undefined ? '' : `${points(smallest)} points`))],
  ]) // prettier-ignore
  if (!arms.some(({ cost }) => cost)) columns.delete('cost')
  return [
    ...textTable(columns, { width, optional: ['requests', 'time'], left: ['arm'] }),
    '',
    ...wrap(
      `Of samples like this, 80% show such a loss. ASSUMED: packs change whether ${points(ASSUMED.discordance).replace('.0', '')}% of the records are right, and answers in a pack correlate by ${ASSUMED.correlation}.`,
      width,
    ),
  ].join('\n')
}
