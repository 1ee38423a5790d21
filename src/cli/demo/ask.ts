import { createInterface } from 'node:readline'
import { UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'
import type { Price } from '../task/price.ts'
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
  { stdin, stderr }: Io,
): Promise<boolean> {
  const costs = cost === undefined ? 'a price that is not known' : `about ${dollars(round(cost))}`
  const what = [
    `The demo sends ${whole(requests)} requests to ${model} at ${server},`,
    `with about ${whole(round(input))} tokens in and ${whole(round(output))} out, for ${costs}.`,
    ...(cost === undefined ? [] : [`That is by the ${price.said}.`]),
  ].join('\n')
  if (!stdin.isTTY || !stderr.isTTY) {
    throw new UsageError(`${what}
Nothing was sent, because there is no terminal for a question.
--yes sends without it, and --simulate uses the built-in server.`)
  }
  stderr.write(`${what}\nSend them? [y/N] `)
  const lines = createInterface({ input: stdin })
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve).once('close', () => {
      resolve('')
    })
  })
  lines.close()
  return /^\s*y(es)?\s*$/i.test(answer)
}

/** An estimate has two figures. */
function round(value: number): number {
  return Number(value.toPrecision(2))
}
