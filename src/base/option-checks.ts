import { distance } from 'fastest-levenshtein'
import { LONGEST_TIMER_MS } from './timer-limit.ts'

/**
 * A `TypeError` or `RangeError` for a bad option, with the option's name: `maxPackTokens`,
 * `pricing.input`.
 */
export type OptionError<E extends TypeError | RangeError = TypeError | RangeError> = E & {
  readonly option: string
}

export function withOption<E extends TypeError | RangeError>(option: string, error: E): OptionError<E> {
  return Object.assign(error, { option })
}

/**
 * Checks that `options` is an object and has only these names.
 *
 * @param within The option that holds the object, if it does not hold all options.
 */
export function knownOptions(options: object, names: object, within?: string): void {
  if (!isPlainObject(options)) throw expected(within ?? 'options', 'an object', options)
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name))
  if (unknown === undefined) return
  const shown = (name: string) => (within === undefined ? name : `${within}.${name}`)
  const similar = similarTo(unknown, Object.keys(names))
  const hint = similar === undefined ? '' : `. Did you mean \`${shown(similar)}\`?`
  throw withOption(shown(unknown), new TypeError(`There is no option \`${shown(unknown)}\`${hint}`))
}

/** The name that a misspelt name was meant to be, if any is similar enough. */
function similarTo(misspelt: string, names: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[_-]/g, '')
  const differences = (name: string) => distance(plain(misspelt), plain(name))
  const [closest] = names.toSorted((a, b) => differences(a) - differences(b))
  return closest !== undefined && differences(closest) <= Math.max(2, misspelt.length / 3)
    ? closest
    : undefined
}

export function positiveInteger<D extends number | undefined>(
  name: string,
  value: unknown,
  byDefault: D,
): number | D {
  if (value === undefined) return byDefault
  if (typeof value !== 'number') throw expected(name, 'a positive integer', value)
  if (!Number.isSafeInteger(value) || value < 1) throw outOfRange(name, 'a positive integer', value)
  return value
}

/** A number above 0, or with `least` 0, also 0. */
export function finite(name: string, value: unknown, least = Number.MIN_VALUE): number | undefined {
  if (value === undefined) return undefined
  const what = least > 0 ? 'a number above 0' : 'a number of at least 0'
  if (typeof value !== 'number') throw expected(name, what, value)
  if (!(value >= least && value < Infinity)) throw outOfRange(name, what, value)
  return value
}

export function duration(name: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault
  if (typeof value !== 'number') throw expected(name, 'a number of milliseconds', value)
  if (!(value >= 0 && value <= LONGEST_TIMER_MS))
    throw outOfRange(name, `between 0 and ${LONGEST_TIMER_MS.toLocaleString('en-US')} ms`, value)
  return value
}

/** Like `duration`, but allows `Infinity` and not 0, because 0 would leave no time. */
export function timeout(name: string, value: unknown, byDefault: number): number {
  if (value === Infinity) return value
  const ms = duration(name, value, byDefault)
  if (ms === 0) throw outOfRange(name, 'above 0 ms', ms)
  return ms
}

export function boolean(name: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (typeof value !== 'boolean') throw expected(name, 'true or false', value)
  return value
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function type
export function optionalFunction<F extends (...args: any[]) => unknown>(
  name: string,
  value: F | undefined,
): F | undefined {
  if (value !== undefined && typeof value !== 'function') throw expected(name, 'a function', value)
  return value
}

/** @param hint Says what to do instead. */
export function expected(name: string, what: string, got: unknown, hint = ''): OptionError<TypeError> {
  return withOption(name, new TypeError(`Expected \`${name}\` to be ${what}, got ${show(got)}${hint}`))
}

/** @param got The bad number, or a text that describes it. */
export function outOfRange(name: string, what: string, got: number | string): OptionError<RangeError> {
  const shown = typeof got === 'string' ? got : show(got)
  return withOption(name, new RangeError(`Expected \`${name}\` to be ${what}, got ${shown}`))
}

export function isPlainObject(value: unknown): boolean {
  return kindOf(value) === 'object'
}

export function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}' (string)`
  // The content of an object is not shown: it may hold a key.
  if (value === null || typeof value === 'object' || typeof value === 'function') return kindOf(value)
  const primitive = value as number | bigint | boolean | symbol | undefined
  return `${String(primitive)} (${typeof primitive})`
}
