import type { Range } from '../measure/range.ts'

/** `1,234,567` */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** `12,345`, `1.23M` */
export function large(value: number): string {
  if (value < 100_000) return whole(value)
  const [unit, letter] = value < 999_500 ? [1e3, 'k'] : value < 999.5e6 ? [1e6, 'M'] : [1e9, 'G']
  const scaled = value / unit
  return `${scaled.toFixed(scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)}${letter}`
}

/** `11.3` */
export function tenths(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** `9 to 15` */
export function span({ low, high }: Range, show: (value: number) => string = tenths): string {
  return show(low) === show(high) ? show(low) : `${show(low)} to ${show(high)}`
}

/** `$0.61` */
export function dollars(value: number): string {
  return `$${amount(value, value)}`
}

/** `$0.61–1.21` */
export function dollarRange({ low, high }: Range): string {
  return `$${range(amount(low, high), amount(high, high))}`
}

function amount(value: number, scale: number): string {
  const digits = scale >= 100 ? 0 : scale >= 1 || scale === 0 ? 2 : scale >= 0.1 ? 3 : 4
  // Of the smallest amounts two figures.
  const needed = scale >= 0.001 || scale === 0 ? digits : 1 - Math.floor(Math.log10(scale))
  return value.toLocaleString('en-US', { minimumFractionDigits: needed, maximumFractionDigits: needed })
}

/** `12 min` */
export function duration(milliseconds: number): string {
  return `${inUnit(milliseconds, milliseconds)} ${unitFor(milliseconds).name}`
}

/** `12–15 min`; `30 s–13 h`, as `0.0–13 h` would tell nothing of the low end. */
export function durationRange({ low, high }: Range): string {
  const isWide = low > 0 && low / high < 0.1
  if (isWide && unitFor(low).name !== unitFor(high).name) return `${duration(low)}–${duration(high)}`
  return `${range(inUnit(low, high), inUnit(high, high))} ${unitFor(high).name}`
}

const UNITS = [
  { name: 'ms', length: 1, most: 1_000 },
  { name: 's', length: 1_000, most: 120_000 },
  { name: 'min', length: 60_000, most: 7_200_000 },
  { name: 'h', length: 3_600_000, most: 172_800_000 },
]
const DAYS = { name: 'days', length: 86_400_000, most: Infinity }

function unitFor(milliseconds: number): { name: string; length: number } {
  return UNITS.find(({ most }) => milliseconds < most) ?? DAYS
}

function inUnit(milliseconds: number, scale: number): string {
  const { length } = unitFor(scale)
  const value = milliseconds / length
  return value.toFixed(length === 1 || value >= 9.95 || value === 0 ? 0 : 1)
}

function range(low: string, high: string): string {
  return low === high ? high : `${low}–${high}`
}

/** `$0.0061`: four decimals, so that the length stays the same while the value grows. */
export function money(value: number): string {
  return `$${value.toFixed(4)}`
}

/** 75 seconds as `1:15`. */
export function clock(seconds: number): string {
  const all = Math.ceil(seconds)
  const [h, m, s] = [Math.floor(all / 3_600), Math.floor(all / 60) % 60, all % 60]
  const pad = (value: number) => String(value).padStart(2, '0')
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`
}

/** `1,234/s`, `4.5/s` */
export function rate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : whole(perSecond)}/s`
}

/** `84.1%` */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`
}
