import type { Evaluation } from '../../src/eval/analyse.ts'
import type { Arm, SampleRecord, Spent, Trial } from '../../src/eval/trial.ts'
import { shuffled } from '../../src/statistics/index.ts'
import { random as seeded } from './random.ts'

export const ARMS: readonly Arm[] = [
  { name: 'packs of 1', kind: 'alone', size: 1 },
  { name: 'packs of 1 again', kind: 'noise', size: 1 },
  { name: 'packs of 10', kind: 'packed', size: 10 },
  { name: 'packs of 25', kind: 'packed', size: 25 },
  { name: 'packs of 50', kind: 'packed', size: 50 },
  { name: 'packs of 50 again', kind: 'reshuffled', size: 50 },
]

/** A record in its pack. */
export interface Place {
  readonly arm: Arm
  /** Position in the pack, from 1. */
  readonly position: number
  /** Right labels of the records before it. */
  readonly before: readonly string[]
  readonly truth: string
}

export interface Planted {
  readonly records: number
  readonly seed: number
  readonly labels?: readonly string[]
  readonly arms?: readonly Arm[]
  readonly hasGold?: boolean
  readonly perBlock?: number
  /** Share of records that are right alone. */
  readonly accuracy?: number
  /** Share of answers that flip from right to wrong and back when asked again. */
  readonly noise?: number
  /** Share of records that the pack makes wrong, besides noise. */
  readonly loss?: (place: Place) => number
  /** What a wrong answer says. Default: the next label. */
  readonly wrong?: (place: Place) => string
  /** What the arm costs for 1,000 records. Default: 1 for packs of one, less in larger packs. */
  readonly cost?: (arm: Arm) => number | undefined
  readonly perSecond?: (arm: Arm) => number
}

/**
 * Plants trials of arms: each record is right alone or not; packing makes it wrong with the chance
 * `loss`; noise turns an answer round in half of `noise` of the cases, on either side.
 */
export function plant(planted: Planted): Evaluation {
  const { records, seed, labels = ['bill', 'card', 'loan', 'other'], arms = ARMS, hasGold = true } = planted
  const { perBlock = 200, accuracy = 0.85, noise = 0, loss = () => 0 } = planted
  const random = seeded(seed)
  const golds = Array.from({ length: records }, () => labels[Math.floor(random() * labels.length)] ?? '')
  const isRightAlone = golds.map(() => random() < accuracy)
  const nextLabel = (label: string): string => labels[(labels.indexOf(label) + 1) % labels.length] ?? ''
  const { wrong = ({ truth }: Place) => nextLabel(truth) } = planted
  const trials: Trial[] = []
  const spents: Spent[] = []
  const requests = new Map<string, number>()
  for (let block = 0; block * perBlock < records; block++) {
    const inBlock = Array.from(
      { length: Math.min(perBlock, records - block * perBlock) },
      (_, at) => block * perBlock + at,
    )
    for (const arm of arms) {
      const order = arm.kind === 'alone' ? inBlock : shuffled(inBlock, random)
      for (let group = 0; group * arm.size < order.length; group++) {
        const pack = order.slice(group * arm.size, (group + 1) * arm.size)
        const request = requests.get(arm.name) ?? 0
        requests.set(arm.name, request + 1)
        for (const [at, record] of pack.entries()) {
          const truth = golds[record] ?? ''
          const before = pack.slice(0, at).map((other) => golds[other] ?? '')
          const place = { arm, position: at + 1, before, truth }
          // Noise turns as many answers right as wrong, so that it changes no accuracy.
          const right = isRightAlone[record] === true
          const turn = noise / 2 / (right ? accuracy : 1 - accuracy)
          const isRight = right !== random() < turn && !(arm.size > 1 && random() < loss(place) / accuracy)
          trials.push({
            ...{ arm: arm.name, block, record, group, request, position: at + 1, size: pack.length },
            ...{ attempts: 1, ms: 300 + 20 * at, status: 'fulfilled' },
            value: { label: isRight ? truth : wrong(place) },
          })
        }
      }
      const { cost = ({ size }) => 0.1 + 0.9 / size, perSecond = ({ size }) => 50 - 40 / size } = planted
      const costPer1000 = cost(arm)
      spents.push({
        ...{ arm: arm.name, block, records: inBlock.length, seconds: inBlock.length / perSecond(arm) },
        requests: Math.ceil(inBlock.length / arm.size),
        tokens: { input: inBlock.length * 20, cached: 0, output: inBlock.length * 8, reasoning: 0 },
        cost: costPer1000 === undefined ? undefined : (costPer1000 * inBlock.length) / 1_000,
      })
    }
  }
  const sample: SampleRecord[] = golds.map((gold, at) => ({
    tokens: 10 + (at % 40),
    ...(hasGold && { gold }),
  }))
  return {
    ...{ arms, trials, spents, sample, margin: 0.02, seed, model: 'gpt-4o-mini', stopped: undefined },
    label: ['label'],
  }
}
