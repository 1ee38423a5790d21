import type { NumberNode } from './nodes.ts'

/**
 * Returns the number at `share` (0 to 1) of the allowed range, or of a range of 100 near zero if
 * the allowed range is wider.
 */
export function numberAt(node: NumberNode, share: number): number {
  return numberWithin(node, share, 0, 100)
}

/**
 * Returns a confidence: `share` of the node's range if the range is at most 1,000 wide, or else of
 * 100 for whole numbers and of 1 for other numbers.
 */
export function confidenceAt(node: NumberNode, share: number): number {
  const { minimum, maximum, integer } = node
  if (maximum - minimum <= 1000) return numberWithin(node, share, minimum, maximum)
  return numberWithin(node, share, 0, integer ? 100 : 1)
}

function numberWithin(node: NumberNode, share: number, from: number, to: number): number {
  const { minimum, maximum } = node
  const beyond = node.below ? from >= maximum : from > maximum
  const low = beyond ? Math.max(minimum, maximum - (to - from)) : Math.max(minimum, from)
  const high = Math.min(maximum, Math.max(to, low + (to - from)))
  const step = stepOf(node)
  return step === undefined ? fractional(node, share, low, high) : stepped(node, share, low, high, step)
}

/** Every allowed value is a multiple of the returned number. */
function stepOf({ integer, multipleOf }: NumberNode): number | undefined {
  if (multipleOf === undefined) return integer ? 1 : undefined
  if (!integer) return multipleOf
  for (let times = 1; times <= 1000; times++) {
    if (Number.isInteger(multipleOf * times)) return multipleOf * times
  }
  return multipleOf
}

function stepped(node: NumberNode, share: number, low: number, high: number, step: number): number {
  let first = Math.ceil(low / step - 1e-9)
  let last = Math.floor(high / step + 1e-9)
  if (node.above && first * step <= node.minimum) first++
  if (node.below && last * step >= node.maximum) last--
  const chosen = first + Math.min(Math.max(0, last - first), Math.floor(share * (last - first + 1)))
  // Twelve digits remove the error of binary fractions in numbers such as 3 * 0.1. The addition
  // turns -0 into 0.
  return (Number.isInteger(step) ? chosen * step : Number((chosen * step).toPrecision(12))) + 0
}

function fractional(node: NumberNode, share: number, low: number, high: number): number {
  const exact = low + (high - low) * share
  const allowed = (value: number) =>
    (node.above ? value > node.minimum : value >= node.minimum) &&
    (node.below ? value < node.maximum : value <= node.maximum)
  const candidates = [Math.round(exact * 100) / 100, exact, low + (high - low) / 2]
  return (candidates.find(allowed) ?? low) + 0
}
