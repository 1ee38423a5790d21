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
  /** Whether the answer has a place for the result. */
  isPlaced: boolean
}

/** A record as the prompt has it, and its text. */
type Asked = { written: string; text: string }

/** Numbers that make the draws about one record, or about one request, different. */
const draws = { difficulty: 0x51a1, wrong: 0x3c6e, request: 0x7ab3 }

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
  judge(message: string, records: readonly Asked[]): (Verdict | undefined)[] {
    const { seed, noise, badPacks } = this.#quality
    const { hash, times } = this.#repetitions.next(message)
    const random = randomFrom(mix(mix(mix(hash, seed), times), draws.request))
    const isBad = random() < badPacks.share && records.length > 1
    if (isBad) this.#stats.badPacks++
    let before: unknown
    return records.map((record, at) => {
      const moved = widthOfNoise * noise * (random() - 0.5)
      const truth = this.#quality.truth(record.written, record.text)
      const place = { at, size: records.length, isBad, before }
      before = truth
      return truth === undefined ? undefined : this.#verdict(record, truth, moved, place)
    })
  }

  #verdict({ written }: Asked, truth: unknown, moved: number, { at, size, isBad, before }: Place): Verdict {
    const { seed, accuracy, perPosition, neighbours, badPacks, catchAll } = this.#quality
    const own = mix(hashText(written), seed)
    const difficulty = randomFrom(mix(own, draws.difficulty))()
    const hash = mix(own, draws.wrong)
    const lost = perPosition * at + this.#lossOf(size) + (isBad ? badPacks.loss : 0)
    const limit = accuracy - lost / 100
    const isPulled = before !== undefined && !isSame(before, truth)
    const reached = limit - (isPulled ? neighbours : 0) / 100

    const isRight = difficulty + moved < reached
    const isOfNeighbours = !isRight && difficulty + moved < limit
    const isCatchAll = catchAll !== undefined && !isSame(catchAll, truth) && randomFrom(hash)() < 1 - 1 / size
    const cause = isRight ? undefined : isOfNeighbours ? 'neighbours' : isCatchAll ? 'catchAll' : undefined
    const instead = cause === 'neighbours' ? before : cause === 'catchAll' ? catchAll : undefined
    const isFlipped = difficulty < reached !== isRight
    return { truth, isRight, isFlipped, cause, instead, hash, isPlaced: false }
  }

  /** Points that a request of this size loses. */
  #lossOf(size: number): number {
    const { perSize } = this.#quality
    const next = perSize.findIndex(([given]) => given >= size)
    const [highSize, high] = perSize.at(next) ?? [1, 0]
    const [lowSize, low] = perSize[next - 1] ?? [1, 0]
    if (next <= 0) return high
    return low + ((high - low) * (size - lowSize)) / (highSize - lowSize)
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

type Place = { at: number; size: number; isBad: boolean; before: unknown }
