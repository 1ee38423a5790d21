import { isCount, isWhole, knownKeys, number, withOption } from '../checks.ts'
import { isObject } from '../json-text.ts'
import { shown } from '../shown.ts'

/**
 * The right result of each record: a function, or a `Map` or plain object from a record's text to
 * its result. The text is the record as the prompt has it, without white space at its ends.
 */
export type Truth =
  ((text: string) => unknown) | ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>

/** How well the simulator answers. A share is from 0 to 1. A point is a hundredth of that. */
export type Quality = {
  /**
   * The right results. An object holds fields of a result by their names. Any other value goes into
   * the first enum field that allows it, or else into the first other field that allows it, except
   * ids and confidences. Where the result is undefined, or the schema does not allow it, the
   * simulator answers as without this option.
   */
  truth: Truth
  /** A whole number. The same seed and the same requests give the same answers. Default: 1. */
  seed?: number | undefined
  /** Share of records that are right when they are asked alone. Default: 1. */
  accuracy?: number | undefined
  /** Points that a record loses for each record before it in its request. Default: 0. */
  perPosition?: number | undefined
  /**
   * Points that every record of a request loses, by the number of records in the request:
   * `{ 25: 3 }`. One record loses nothing. Sizes between two given sizes lie on the line between
   * them, and larger sizes lose as much as the largest given size. A negative loss is a gain.
   */
  perSize?: Readonly<Record<number, number>> | undefined
  /**
   * Points that a record loses if the record before it has another right result. A record that this
   * makes wrong takes the result of the record before it. Default: 0.
   */
  neighbours?: number | undefined
  /**
   * What a record loses whose `length` records before it in its request all have one right result:
   * `same` points if this is its own result, and `other` points if it has another result. A record
   * that `other` makes wrong takes the result of the run.
   */
  runs?: { length: number; same?: number | undefined; other?: number | undefined } | undefined
  /**
   * Share of answers that change from right to wrong or back when the same request is sent again.
   * At most two thirds of the share that is wrong. Default: 0.
   */
  noise?: number | undefined
  /** The label of a wrong answer with a chance of 1 - 1/n, in a request with n records. */
  catchAll?: unknown
  /** Share of the requests with several records that go badly, and the points they lose. */
  badPacks?: { share: number; loss: number } | undefined
  /** Other values of these options for requests to a model, by the name of the model. */
  models?: Readonly<Record<string, Omit<Quality, 'truth' | 'models'>>> | undefined
}

/** The quality model with all defaults filled in. */
export type ResolvedQuality = {
  seed: number
  truth: (written: string, text: string) => unknown
  accuracy: number
  perPosition: number
  /** Losses by size, the smallest size first. The first size is 1. */
  perSize: readonly (readonly [size: number, loss: number])[]
  neighbours: number
  runs: { length: number; same: number; other: number }
  noise: number
  catchAll: unknown
  badPacks: { share: number; loss: number }
  models: ReadonlyMap<string, ResolvedQuality>
}

/** A share of answers that flip needs this width of difficulties, because of ∫ 2p(1-p) = 1/3. */
export const widthOfNoise = 3

const ofModel = 'seed accuracy perPosition perSize neighbours runs noise catchAll badPacks'.split(' ')
const known = ['truth', ...ofModel, 'models']
const isShare = (value: number) => value >= 0 && value <= 1
const isPoints = (value: number) => value >= 0 && value <= 100

/**
 * Checks the option `quality` and fills in the defaults. Throws a `TypeError` or `RangeError` that
 * names the option. `prefix` is the name of the option with a dot at its end.
 */
export function resolveQuality(quality: Quality, prefix = 'quality.'): ResolvedQuality {
  knownKeys(prefix, quality, known)
  const { seed = 1, accuracy = 1, perPosition = 0, perSize = {}, neighbours = 0, noise = 0 } = quality
  const { catchAll, badPacks = { share: 0, loss: 0 }, runs = { length: 1 }, models = {} } = quality
  number(`${prefix}seed`, seed, 'a whole number', isWhole)
  number(`${prefix}accuracy`, accuracy, 'a share from 0 to 1', isShare)
  const points = (name: string, value: unknown) => {
    number(prefix + name, value, 'points from 0 to 100', isPoints)
  }
  points('perPosition', perPosition)
  points('neighbours', neighbours)
  knownKeys(`${prefix}badPacks.`, badPacks, ['share', 'loss'])
  number(`${prefix}badPacks.share`, badPacks.share, 'a share from 0 to 1', isShare)
  points('badPacks.loss', badPacks.loss)
  knownKeys(`${prefix}runs.`, runs, ['length', 'same', 'other'])
  const { length, same = 0, other = 0 } = runs
  number(`${prefix}runs.length`, length, 'a whole number from 1', isCount)
  points('runs.same', same)
  points('runs.other', other)
  const sizes = resolveSizes(perSize, `${prefix}perSize`)

  // With more noise or gain, the accuracy would not be the accuracy that was asked for. Rounding
  // takes away the error of fractions such as 1 - 0.9.
  const room = (least: number, most: number) => Math.round(least * most * 1e9) / 1e9
  const noisiest = room(2 / widthOfNoise, Math.min(accuracy, 1 - accuracy))
  const expected = `a share from 0 to ${noisiest} (two thirds of the smaller of accuracy and 1 - accuracy)`
  number(`${prefix}noise`, noise, expected, (value) => value >= 0 && value <= noisiest)
  const gain = room(100, 1 - accuracy - (widthOfNoise * noise) / 2)
  for (const [size, loss] of sizes) {
    const isAllowed = (value: number) => value >= -gain && value <= 100
    number(`${prefix}perSize.${size}`, loss, `points from ${-gain} to 100`, isAllowed)
  }
  return {
    ...{ seed, accuracy, perPosition, neighbours, noise, catchAll, badPacks },
    runs: { length, same, other },
    perSize: [[1, 0], ...sizes],
    truth: resolveTruth(quality.truth),
    models: resolveModels(models, quality, `${prefix}models`),
  }
}

function resolveModels(models: unknown, quality: Quality, option: string): ResolvedQuality['models'] {
  const entries = entriesOf(models, option, 'an object from names of models to options')
  return new Map(
    entries.map(([model, changes]) => {
      const prefix = `${option}.${model}.`
      knownKeys(prefix, changes, ofModel)
      return [model, resolveQuality({ ...quality, models: {}, ...(changes as object) }, prefix)]
    }),
  )
}

function resolveSizes(perSize: unknown, option: string): [size: number, loss: number][] {
  return entriesOf(perSize, option, 'an object such as { 25: 3 }')
    .map(([key, loss]): [size: number, loss: number] => {
      const size = Number(key)
      number(option, size, 'whole numbers from 2 as sizes', (value) => isWhole(value) && value >= 2)
      return [size, loss as number]
    })
    .sort(([a], [b]) => a - b)
}

function entriesOf(value: unknown, option: string, expected: string): [string, unknown][] {
  if (isObject(value)) return Object.entries(value)
  throw withOption(option, new TypeError(`${option}: expected ${expected}, got ${shown(value)}`))
}

function resolveTruth(truth: unknown): ResolvedQuality['truth'] {
  if (typeof truth === 'function') return truth as (text: string) => unknown
  if (!(truth instanceof Map) && !isObject(truth)) {
    const expected = 'a function, a Map, or an object from texts to results'
    throw withOption(
      'quality.truth',
      new TypeError(`quality.truth: expected ${expected}, got ${shown(truth)}`),
    )
  }
  const entries: Iterable<[unknown, unknown]> = truth instanceof Map ? truth : Object.entries(truth)
  const results = new Map<unknown, unknown>()
  for (const [text, result] of entries) results.set(typeof text === 'string' ? text.trim() : text, result)
  return (written, text) => results.get(results.has(written) ? written : text)
}
