import type { Io } from '../io.ts'
import type { Price } from '../task/price.ts'
import { isConfirmed } from '../terminal/ask.ts'
import { dollars, whole } from '../terminal/words.ts'
import type { Estimate } from './estimate.ts'

interface Offer {
  readonly model: string
  readonly server: string
  readonly price: Price
}

/**
 * Asks a person before the demo sends anything to a real server.
 *
 * @throws {UsageError} Without a terminal, because the question has no reader.
 */
export async function mayStart(
  { requests, input, output, cost }: Estimate,
  { model, server, price }: Offer,
  io: Io,
): Promise<boolean> {
  const costs = cost === undefined ? 'a price that is not known' : `about ${dollars(round(cost))}`
  const what = [
    `The demo sends ${whole(requests)} requests to ${model} at ${server},`,
    `with about ${whole(round(input))} tokens in and ${whole(round(output))} out, for ${costs}.`,
    ...(cost === undefined ? [] : [`That is by the ${price.said}.`]),
  ].join('\n')
  return isConfirmed(
    `${what}\nSend them?`,
    io,
    () => `${what}
Nothing was sent, because there is no terminal for a question.
--yes sends without it, and --simulate uses the built-in server.`,
  )
}

/** An estimate has two figures. */
function round(value: number): number {
  return Number(value.toPrecision(2))
}
