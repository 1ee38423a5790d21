/** A share of scores as points: 0.02 is `2`. */
export const points = (share: number): string => String(Math.round(1_000 * share) / 10 || 0)

export const percent = (share: number): string => `${points(share)}%`

export const whole = (count: number): string => Math.round(count).toLocaleString('en-US')

/** A number of records with two digits, because no more of it is known. */
export function about(count: number): string {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, count))) - 1)
  return count > 1e6 ? 'more than 1,000,000' : `about ${whole(Math.ceil(count / unit) * unit)}`
}

export const dollars = (value: number): string =>
  `$${value >= 1 || value === 0 ? value.toFixed(2) : value.toPrecision(2)}`

export const perSecond = (speed: number): string => (speed < 10 ? speed.toPrecision(2) : whole(speed))

export const range = ({ low, high }: { readonly low: number; readonly high: number }): string =>
  `${points(low)} to ${points(high)}`
