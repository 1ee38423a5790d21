import { expected, isPlainObject, optionalFunction, outOfRange } from '../base/option-checks.ts'
import { resolveOptions } from '../options/resolve-options.ts'
import { armsOf, type ExtraArm, type PlannedArm, type StreamOptions } from './arms.ts'

/**
 * The options of `evaluate()`. They contain the options of a `PackStream`, except the options that
 * an eval sets itself.
 */
export interface EvalOptions<R, T> extends StreamOptions<R, T> {
  /** The sample. Each arm asks all of these records. They stay in memory. */
  readonly records: readonly R[]
  /**
   * Returns the right result of a record, or `undefined` if it is not known. Default: none. Then
   * the results of packs are compared with the results of packs of one.
   */
  readonly gold?: ((record: R) => unknown) | undefined
  /**
   * Returns how good a value is, from 0 (wrong) to 1 (right). The value has passed through JSON.
   * Default: 1 for the right label; for other schemas the share of fields that agree.
   */
  readonly score?: ((value: unknown, gold: unknown, record: R) => number) | undefined
  /** Sizes of packs. Packs of one are always asked. Default: 1, 5, 10, 25 and 50. */
  readonly sizes?: readonly number[] | undefined
  /** The greatest loss that you accept, as a share. Default: 0.02, which is 2 points. */
  readonly margin?: number | undefined
  /** Decides the packs and the order of the arms. Default: 1. */
  readonly seed?: number | undefined
  /** More arms, such as votes or more examples. Default: none. */
  readonly extra?: readonly ExtraArm<R, T>[] | undefined
  /**
   * A file that keeps the answers, as JSON lines. An eval with the same task and the same file goes
   * on where an earlier one stopped, and asks nothing twice. Default: none.
   */
  readonly journal?: string | undefined
  /** US dollars that all arms may cost together, by `pricing`. Default: none. */
  readonly maxCost?: number | undefined
  /** Sends no more requests. Running requests go on to their ends, and the report has them. */
  readonly signal?: AbortSignal | undefined
  /** Called when an arm has asked its records of a block. Default: none. */
  readonly onProgress?: ((progress: EvalProgress) => void) | undefined
}

/** The progress of an eval. */
export interface EvalProgress {
  /** The arm that was asked last. */
  readonly arm: string
  /** Number of outcomes so far, and at the end, over all arms that were not stopped. */
  readonly done: number
  readonly total: number
  /** Names of the arms that were stopped early, because they cannot win. */
  readonly stopped: readonly string[]
  /** US dollars so far. `undefined` without prices. */
  readonly cost: number | undefined
}

/** The default of `margin`. */
export const MARGIN = 0.02
/** The default of `seed`. */
export const SEED = 1
/** The default of `sizes`, as in `plan`. */
export const SIZES: readonly number[] = [1, 5, 10, 25, 50]

/** The options of an eval with their defaults, and the options of its streams. */
export interface ResolvedEval<R, T> {
  readonly records: readonly R[]
  readonly gold: ((record: R) => unknown) | undefined
  readonly score: EvalOptions<R, T>['score']
  readonly margin: number
  readonly seed: number
  /** The options that all arms have in common. */
  readonly stream: StreamOptions<R, T>
  readonly arms: readonly PlannedArm<R, T>[]
  readonly journal: string | undefined
  readonly maxCost: number | undefined
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: EvalProgress) => void) | undefined
}

const OWN: readonly (keyof EvalOptions<unknown, unknown>)[] = [
  ...(['records', 'gold', 'score', 'sizes', 'margin', 'seed', 'extra', 'journal'] as const),
  ...(['maxCost', 'signal', 'onProgress'] as const),
]

/** @throws {TypeError | RangeError} The message names the option. */
export function resolveEval<R, T>(options: EvalOptions<R, T>): ResolvedEval<R, T> {
  if (!isPlainObject(options)) throw expected('options', 'an object', options)
  const { records, gold, score, sizes = SIZES, margin = MARGIN, seed = SEED, extra = [] } = options
  const { journal, maxCost, signal, onProgress } = options
  if (!Array.isArray(records)) throw expected('records', 'an array', records)
  if (records.length === 0) throw expected('records', 'at least one record', records)
  if (!Array.isArray(sizes) || !sizes.every((size) => Number.isSafeInteger(size) && size >= 1)) {
    throw expected('sizes', 'an array of positive integers', sizes)
  }
  if (typeof margin !== 'number') throw expected('margin', 'a number above 0 and below 1', margin)
  if (!(margin > 0 && margin < 1)) throw outOfRange('margin', 'above 0 and below 1', margin)
  if (!Number.isSafeInteger(seed)) throw expected('seed', 'a whole number', seed)
  if (journal !== undefined && (typeof journal !== 'string' || journal === '')) {
    throw expected('journal', 'the path of a file', journal)
  }
  if (!Array.isArray(extra)) throw expected('extra', 'an array of arms', extra)
  const isOwn = new Set<string>(OWN)
  const given = Object.entries(options).filter(([name]) => !isOwn.has(name))
  const stream = Object.fromEntries(given) as unknown as StreamOptions<R, T>
  const arms = armsOf(stream, sizes, extra)
  // The streams check their own options.
  for (const arm of arms) resolveOptions({ ...arm.options, maxCost, signal })
  return {
    ...{ records, margin, seed, stream, arms, journal, maxCost, signal },
    gold: optionalFunction('gold', gold),
    score: optionalFunction('score', score),
    onProgress: optionalFunction('onProgress', onProgress),
  }
}
