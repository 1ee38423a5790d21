import type { FileMetaData, LogicalType, SchemaElement, SchemaTree } from 'hyparquet'
import { exactNumber, type ExactNumber } from './exact-number.ts'
import { jsonOf } from './json-value.ts'
import { setOwn } from '../set-own.ts'

/** Makes the JSON value of a value of hyparquet. */
export type Convert = (value: unknown) => unknown

/** Copies of the elements, which have the types that hyparquet does not see. */
type Meanings = Map<SchemaElement, SchemaElement>

/**
 * Hyparquet would make floating-point numbers of decimals, refuse intervals, and make properties of
 * the raw keys of maps. So it does not see these types: `converterOf` reads their raw values.
 */
const HIDDEN = ['DECIMAL', 'INTERVAL', 'BSON', 'MAP']

/** Hides types from hyparquet, in the metadata itself. */
export function hideTypes({ schema }: FileMetaData): Meanings {
  const meanings: Meanings = new Map()
  for (const element of schema) {
    const { converted_type, logical_type } = element
    meanings.set(element, { ...element })
    if (converted_type && HIDDEN.includes(converted_type)) delete element.converted_type
    if (logical_type && HIDDEN.includes(logical_type.type)) delete element.logical_type
  }
  return meanings
}

/** Parsers for hyparquet that leave the work to `converterOf`: times stay exact numbers. */
export const parsers = {
  timestampFromMilliseconds: (count: bigint) => count,
  timestampFromMicroseconds: (count: bigint) => count,
  timestampFromNanoseconds: (count: bigint) => count,
  dateFromDays: (count: number) => count,
  jsonFromBytes: (bytes: Uint8Array) => bytes,
}

/** @param isExact Keeps numbers exact that JavaScript can't hold. Otherwise takes the nearest. */
export function converterOf(column: SchemaTree, meanings: Meanings, isExact: boolean): Convert {
  const numberOf = (text: string): number | ExactNumber => {
    const nearest = Number(text)
    return isExact ? exactNumber(text, nearest) : nearest
  }
  const valueOf = (node: SchemaTree): Convert => {
    const { element, children } = node
    const { converted_type, logical_type } = meanings.get(element) ?? {}
    // Hyparquet itself makes values of these.
    const isWhole = ['VARIANT', 'GEOMETRY', 'GEOGRAPHY', 'FILE'].includes(logical_type?.type ?? '')
    if (children.length === 0 || isWhole) return leaf(meanings.get(element) ?? element, numberOf, isExact)
    const [inner] = children
    if (inner && (converted_type === 'MAP' || logical_type?.type === 'MAP') && inner.children.length === 2)
      return mapOf(inner, itemOf)
    if (inner && converted_type === 'LIST' && children.length === 1 && inner.children.length <= 1) {
      const item = itemOf(inner.children[0] ?? inner, inner.children.length === 0)
      return (list) => (Array.isArray(list) ? list.map(item) : null)
    }
    const fields = children.map((child) => [child.element.name, itemOf(child)] as const)
    return (value) => objectOf(value, fields)
  }
  const itemOf = (node: SchemaTree, isItem = false): Convert => {
    const convert = valueOf(node)
    if (node.element.repetition_type !== 'REPEATED' || isItem) return convert
    return (list) => (Array.isArray(list) ? list.map(convert) : [])
  }
  return itemOf(column)
}

function objectOf(value: unknown, fields: readonly (readonly [string, Convert])[]): unknown {
  if (typeof value !== 'object' || value === null) return null
  const object = {}
  for (const [name, convert] of fields)
    setOwn(object, name, convert((value as Record<string, unknown>)[name]))
  return object
}

/** A map becomes an object. Its keys become texts. */
function mapOf(pairs: SchemaTree, itemOf: (node: SchemaTree) => Convert): Convert {
  const [key, value] = pairs.children as [SchemaTree, SchemaTree]
  const [toKey, toValue] = [itemOf(key), itemOf(value)]
  return (map) => {
    if (typeof map !== 'object' || map === null) return null
    const object = {}
    const entries = (map as Record<string, unknown>)[pairs.element.name] as
      Record<string, unknown>[] | undefined
    for (const entry of entries ?? []) {
      const name = toKey(entry[key.element.name])
      setOwn(
        object,
        typeof name === 'string' ? name : JSON.stringify(name),
        toValue(entry[value.element.name]),
      )
    }
    return object
  }
}

/** The units of a second in a time or timestamp. */
const DIGITS = { MILLIS: 3, MICROS: 6, NANOS: 9 } as const

function leaf(
  element: SchemaElement,
  numberOf: (text: string) => number | ExactNumber,
  isExact: boolean,
): Convert {
  const { type, converted_type: old, logical_type: logical } = element
  const given =
    (convert: Convert): Convert =>
    (value) =>
      value === undefined || value === null ? null : convert(value)
  if (old === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const scale = element.scale ?? (logical as { scale?: number } | undefined)?.scale ?? 0
    return given((value) => numberOf(decimalText(integerOf(value), scale)))
  }
  if (old === 'INTERVAL' || logical?.type === 'INTERVAL') return given(durationOf)
  if (old === 'DATE' || logical?.type === 'DATE')
    return given((days) => dateText(Number(days) * 86_400_000)?.slice(0, -14) ?? Number(days))
  const time = timeOf(old, logical)
  if (time) return given((value) => clockText(BigInt(value as number), time))
  const stamp = type === 'INT96' ? ({ digits: 9, zone: '' } as const) : stampOf(old, logical)
  if (stamp)
    return given(
      (value) => stampText(BigInt(value as number), stamp.digits, stamp.zone) ?? numberOf(String(value)),
    )
  if (old === 'JSON' || logical?.type === 'JSON') return given((bytes) => parsed(bytes, isExact))
  if (old === 'ENUM' || logical?.type === 'ENUM') return given(utf8)
  if (type === 'FLOAT') return given((value) => floatOf(shortest(value as number)))
  return given((value) => plainOf(value, numberOf))
}

function timeOf(old: SchemaElement['converted_type'], logical: LogicalType | undefined): number | undefined {
  if (logical?.type === 'TIME') return DIGITS[logical.unit]
  return old === 'TIME_MILLIS' ? 3 : old === 'TIME_MICROS' ? 6 : undefined
}

function stampOf(old: SchemaElement['converted_type'], logical: LogicalType | undefined) {
  if (logical?.type === 'TIMESTAMP')
    return { digits: DIGITS[logical.unit], zone: logical.isAdjustedToUTC ? 'Z' : '' }
  if (old === 'TIMESTAMP_MILLIS') return { digits: 3, zone: 'Z' }
  return old === 'TIMESTAMP_MICROS' ? { digits: 6, zone: 'Z' } : undefined
}

/** The value of a type without a meaning of its own, or of any part of a variant. */
function plainOf(value: unknown, numberOf: (text: string) => unknown): unknown {
  if (typeof value === 'bigint') return numberOf(String(value))
  if (typeof value === 'number') return floatOf(value)
  if (typeof value !== 'object' || value === null) return value ?? null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map((one) => plainOf(one, numberOf))
  const object = {}
  for (const [name, one] of Object.entries(value)) setOwn(object, name, plainOf(one, numberOf))
  return object
}

/** JSON has no NaN, which pandas writes for a missing number, and no infinity. */
function floatOf(value: number): number | string | null {
  return Number.isFinite(value) ? value : Number.isNaN(value) ? null : String(value)
}

/** The shortest number with the same 32-bit value: `0.1`, and not `0.10000000149011612`. */
function shortest(value: number): number {
  for (const digits of [6, 7, 8]) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return Number(value.toPrecision(9))
}

const utf8 = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString()

/** The value of JSON, or the text itself if it is something else. */
function parsed(bytes: unknown, isExact: boolean): unknown {
  const result = jsonOf(Buffer.from(bytes as Uint8Array), isExact)
  if (result.code === undefined) return result.json
  return result.code === 'null_record' ? null : utf8(bytes)
}

/** A signed integer of big-endian bytes. */
function integerOf(value: unknown): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value as number)
  const hex = Buffer.from(value).toString('hex')
  return hex === '' ? 0n : BigInt.asIntN(value.length * 8, BigInt(`0x${hex}`))
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const sign = unscaled < 0n ? '-' : ''
  return scale <= 0 ? `${sign}${digits}${'0'.repeat(-scale)}` : `${sign}${whole}.${digits.slice(-scale)}`
}

/** Months, days and milliseconds, each in four little-endian bytes. */
function durationOf(value: unknown): string {
  const bytes = Buffer.from(value as Uint8Array)
  const [months, days, ms] = [0, 4, 8].map((at) => bytes.readUInt32LE(at))
  return `P${months}M${days}DT${(ms ?? 0) / 1_000}S`
}

function dateText(ms: number): string | undefined {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** `undefined`: the time is outside the years of JavaScript, such as PostgreSQL's infinity. */
function stampText(count: bigint, digits: number, zone: string): string | undefined {
  const { seconds, fraction } = split(count, digits)
  const text = dateText(Number(seconds) * 1_000)
  return text && `${text.slice(0, -5)}${fraction}${zone}`
}

function clockText(count: bigint, digits: number): string {
  const { seconds, fraction } = split(count, digits)
  const parts = [seconds / 3_600n, (seconds / 60n) % 60n, seconds % 60n]
  return parts.map((part) => String(part).padStart(2, '0')).join(':') + fraction
}

function split(count: bigint, digits: number): { seconds: bigint; fraction: string } {
  const unit = 10n ** BigInt(digits)
  const rest = ((count % unit) + unit) % unit
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(digits, '0').replace(/0+$/, '')}`
  return { seconds: (count - rest) / unit, fraction }
}
