import { hashText, mix } from '../hash.ts'
import { randomFrom } from '../faults/random.ts'
import { Repetitions } from '../repetitions.ts'
import { type ResolvedQuality, widthOfNoise } from './options.ts'
import { isSame } from './same.ts'
import type { QualityStats } from './stats.ts'

/** What the answer about one record shall be. */
export type Verdict = {
  /** The right result. */
  readonly truth: unknown
  readonly isRight: boolean
  /** Whether the answer would be different without noise. */
  readonly isFlipped: boolean
  /** Where a wrong result comes from, if it comes from the request. */
  readonly cause: 'neighbours' | 'catchAll' | undefined
  /** The wrong result of this cause. */
  readonly instead: unknown
  /** Chooses among all other wrong results. Depends on the record alone. */
  readonly hash: number
  /** From 0 to 1. Often low if the answer is wrong. */
  readonly confidence: number
  /** Whether the answer has a place for the result. */
  isPlaced: boolean
}

/** A record as the prompt has it, and its text. */
type Asked = { written: string; text: string }

/** Numbers that make the draws about one record, or about one request, different. */
const draws = { difficulty: 0x51a1, wrong: 0x3c6e, request: 0x7ab3, confidence: 0x1f85 }

/**
 * Decides which answers are right. Each record has a difficulty from 0 to 1, drawn from its text.
 * The answer is right if the difficulty, moved by noise, is below the accuracy at this place. So a
 * hard record is wrong in every pack, and a loss hits the records next to the limit. The shares of
 * right answers are exact in expectation.
 */
export class QualityModel {
  readonly #quality: ResolvedQuality
  readonly #stats: QualityStats
  /** A message that is forgotten gets its first answer again, as if there were no noise. */
  readonly #repetitions = new Repetitions(500_000)

  constructor(quality: ResolvedQuality, stats: QualityStats) {
    this.#quality = quality
    this.#stats = stats
  }

  /** Returns a verdict for each record of a message. Records without a right result have none. */
  judge(message: string, records: readonly Asked[], model: string): (Verdict | undefined)[] {
    const quality = this.#quality.models.get(model) ?? this.#quality
    const { seed, noise, badPacks } = quality
    const { hash, times } = this.#repetitions.next(message)
    const random = randomFrom(mix(mix(mix(hash, seed), times), draws.request))
    const isBad = random() < badPacks.share && records.length > 1
    if (isBad) this.#stats.badPacks++
    let before: unknown
    let run = 0
    return records.map((record, at) => {
      const moved = widthOfNoise * noise * (random() - 0.5)
      const truth = quality.truth(record.written, record.text)
      const place = { at, size: records.length, isBad, before, run }
      run = truth === undefined ? 0 : isSame(before, truth) ? run + 1 : 1
      before = truth
      return truth === undefined ? undefined : verdictOf(quality, record, truth, moved, place)
    })
  }

  /** Counts the verdicts that an answer has followed. */
  count(verdicts: readonly (Verdict | undefined)[]): void {
    const stats = this.#stats
    for (const verdict of verdicts) {
      if (verdict?.isPlaced !== true) continue
      stats.asked++
      if (verdict.isRight) stats.right++
      if (verdict.isFlipped) stats.flipped++
      if (verdict.cause !== undefined) stats[verdict.cause]++
    }
  }
}

/** `run` is the number of records right before this record that all have the result `before`. */
type Place = { at: number; size: number; isBad: boolean; before: unknown; run: number }

function verdictOf(
  quality: ResolvedQuality,
  { written }: Asked,
  truth: unknown,
  moved: number,
  { at, size, isBad, before, run }: Place,
): Verdict {
  const { seed, accuracy, perPosition, perSize, neighbours, runs, badPacks, catchAll } = quality
  const own = mix(hashText(written), seed)
  const difficulty = randomFrom(mix(own, draws.difficulty))()
  const hash = mix(own, draws.wrong)
  const isPulled = before !== undefined && !isSame(before, truth)
  const ofRun = run < runs.length ? 0 : isPulled ? runs.other : runs.same
  const ofNeighbours = isPulled ? neighbours + ofRun : 0
  const lost = perPosition * at + lossOf(size, perSize) + (isBad ? badPacks.loss : 0) + (isPulled ? 0 : ofRun)
  const limit = accuracy - lost / 100
  const reached = limit - ofNeighbours / 100

  const isRight = difficulty + moved < reached
  const isOfNeighbours = !isRight && difficulty + moved < limit
  const isCatchAll = catchAll !== undefined && !isSame(catchAll, truth) && randomFrom(hash)() < 1 - 1 / size
  const cause = isRight ? undefined : isOfNeighbours ? 'neighbours' : isCatchAll ? 'catchAll' : undefined
  const instead = cause === 'neighbours' ? before : cause === 'catchAll' ? catchAll : undefined
  const isFlipped = difficulty < reached !== isRight
  const sure = randomFrom(mix(own, draws.confidence))
  // The larger of two numbers is above the smaller of two others in five of six cases.
  const confidence = (isRight ? Math.max : Math.min)(sure(), sure())
  return { truth, isRight, isFlipped, cause, instead, hash, confidence, isPlaced: false }
}

/** Points that a request of this size loses. */
function lossOf(size: number, perSize: ResolvedQuality['perSize']): number {
  const next = perSize.findIndex(([given]) => given >= size)
  const [highSize, high] = perSize.at(next) ?? [1, 0]
  const [lowSize, low] = perSize[next - 1] ?? [1, 0]
  if (next <= 0) return high
  return low + ((high - low) * (size - lowSize)) / (highSize - lowSize)
}
