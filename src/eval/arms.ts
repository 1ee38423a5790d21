import { expected, isPlainObject, withOption } from '../base/option-checks.ts'
import type { PackStreamOptions } from '../index.ts'
import type { Arm, ArmKind } from './trial.ts'

/** The options of a stream that an eval sets itself, for each arm and block. */
const OWN = [
  ...(['maxPackRecords', 'linger', 'preserveOrder', 'cache', 'accepted', 'signal'] as const),
  ...(['maxCost', 'maxRejects', 'highWaterMark', 'readableHighWaterMark'] as const),
  'writableHighWaterMark',
] as const

/** The options of a `PackStream`, except the options that an eval sets itself. */
export type StreamOptions<R, T> = Omit<PackStreamOptions<R, T>, (typeof OWN)[number]>

/** Another way to spend, such as votes or more examples. */
export interface ExtraArm<R, T> {
  /** A name for people. It is unique. */
  readonly name: string
  /** Largest number of records in one request. */
  readonly size: number
  /** Options that differ from the options of the other arms. */
  readonly options: Partial<StreamOptions<R, T>>
}

/** An arm with all that decides its answers. */
export interface PlannedArm<R, T> extends Arm {
  readonly options: StreamOptions<R, T>
  /**
   * Whether each record is in one request, which is planned. Not so with votes, or if the stream
   * itself shuffles the records.
   */
  readonly isGrouped: boolean
}

/** The arms of an eval. Each stream checks its own options. */
export function armsOf<R, T>(
  options: StreamOptions<R, T>,
  sizes: readonly number[],
  extra: readonly ExtraArm<R, T>[],
): PlannedArm<R, T>[] {
  const packed = [...new Set(sizes)].filter((size) => size > 1).sort((a, b) => a - b)
  const largest = packed.at(-1)
  const arm = (name: string, kind: ArmKind, size: number): PlannedArm<R, T> => ({
    ...{ name, kind, size, options, isGrouped: true },
  })
  const arms = [
    arm('packs of 1', 'alone', 1),
    arm('packs of 1 again', 'noise', 1),
    ...packed.map((size) => arm(`packs of ${size}`, 'packed', size)),
    ...(largest === undefined ? [] : [arm(`packs of ${largest} again`, 'reshuffled', largest)]),
    ...extra.map((one, at): PlannedArm<R, T> => {
      const { name, size, options: own } = checkExtra(one, at)
      const isGrouped = !('mix' in own || 'votes' in own)
      return { name, kind: 'extra', size, options: { ...options, ...own }, isGrouped }
    }),
  ]
  const names = arms.map(({ name }) => name)
  const double = names.find((name, at) => names.indexOf(name) !== at)
  if (double !== undefined) throw expected('extra', 'arms with names of their own', double)
  return arms
}

function checkExtra<R, T>(arm: ExtraArm<R, T>, at: number): ExtraArm<R, T> {
  const option = `extra[${at}]`
  if (!isPlainObject(arm)) throw expected(option, 'an object { name, size, options }', arm)
  const { name, size, options } = arm
  if (typeof name !== 'string' || name === '') throw expected(`${option}.name`, 'a non-empty string', name)
  if (!Number.isSafeInteger(size) || size < 1) throw expected(`${option}.size`, 'a positive integer', size)
  if (!isPlainObject(options)) throw expected(`${option}.options`, 'an object', options)
  const own = OWN.find((one) => one in options)
  if (own === undefined) return arm
  throw withOption(
    option,
    new TypeError(`Expected \`${option}.options\` not to have \`${own}\`, which the eval decides itself`),
  )
}
