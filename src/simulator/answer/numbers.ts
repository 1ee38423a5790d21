import type { NumberNode } from './nodes.ts'

/** The number at `share` (0 to 1) of the allowed range, near zero if that range is wide. */
export function numberAt(node: NumberNode, share: number): number {
  return numberWithin(node, share, 0, 100)
}

/** A confidence: `share` of 1, of the node's own range if it has one, and of 100 for whole numbers without. */
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

/** Every allowed value is a multiple of this. */
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
  // Twelve digits undo what binary fractions do to 3 * 0.1; the addition turns -0 into 0.
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
