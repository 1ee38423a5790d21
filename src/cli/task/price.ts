import type { Pricing } from '../../index.ts'
import {
  lanesOf,
  priceOf,
  readPrices,
  type Lane,
  type ListPrice,
  type NoPrice,
  type PriceQuery,
} from '../../prices/index.ts'
import type { SendingFlags } from '../flags/sending-flags.ts'
import type { TaskFlags } from '../flags/flags.ts'
import type { EndpointFlags } from './endpoint.ts'
import { given } from '../flags/given.ts'
import { UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'

/** The price of a job: as stated, or from a price table. */
export interface Price {
  /** `undefined`: the price is not known. */
  readonly pricing: Pricing | undefined
  /** The entry of the table, if the price comes from there. */
  readonly list: ListPrice | undefined
  /** Where the price comes from, or why there is none, for a person. Empty: it was stated. */
  readonly said: string
}

export type PriceFlags = Pick<TaskFlags, 'priceIn' | 'priceCached' | 'priceOut' | 'prices' | 'request'> &
  Pick<SendingFlags, 'maxCost'> &
  Pick<EndpointFlags, 'simulate'>

/** @throws {UsageError} If the price cannot be used, or `--max-cost` has no price. */
export function readPrice(flags: PriceFlags, model: string, env: Io['env']): Price {
  const stated = statedPrice(flags)
  if (stated) return { pricing: stated, list: undefined, said: '' }
  const { prices, maxCost, simulate = false } = flags
  const query = queryOf(flags, env)
  const found = priceOf(model, query)
  if (found.pricing) return { pricing: found.pricing, list: found, said: source(found, simulate) }
  const why = reasons[found.why](model, prices ?? 'the price table', query.serviceTier)
  if (maxCost !== undefined) {
    throw new UsageError(`Expected --price-in and --price-out with --max-cost: ${why}`)
  }
  return {
    pricing: undefined,
    list: undefined,
    said: `not known: ${why} (--price-in, --price-out, --prices)`,
  }
}

/** The slower lanes of the model at the server, from the table. */
export function readLanes(flags: PriceFlags, model: string, env: Io['env']): readonly Lane[] {
  return lanesOf(model, queryOf(flags, env))
}

function queryOf({ prices, request }: PriceFlags, env: Io['env']): PriceQuery {
  // An empty variable is like an absent one.
  const [baseURL] = [env['OPENAI_BASE_URL']?.trim()].filter((url) => url !== '')
  const table = prices === undefined ? undefined : readTable(prices)
  return { ...given({ baseURL }), serviceTier: request?.['service_tier'], table }
}

const reasons: Record<NoPrice['why'], (model: string, table: string, tier: unknown) => string> = {
  model: (model, table) => `${table} has no price of ${model} at this server`,
  tier: (model, table, tier) => `${table} has no price of ${model} with service_tier ${JSON.stringify(tier)}`,
}

function source({ provider, model, date, isOwnServer, note }: ListPrice, isSimulated: boolean): string {
  return [
    `list price of ${model} (${provider}, as of ${date})`,
    ...(isOwnServer || isSimulated ? [] : ['; this server may have another price']),
    ...(note === undefined ? [] : [`. ${note.replace(/\.$/, '')}`]),
  ].join('')
}

function readTable(file: string) {
  try {
    return readPrices(file)
  } catch (cause) {
    throw new UsageError(`--prices: ${(cause as Error).message}`, { cause })
  }
}

function statedPrice({ priceIn, priceCached, priceOut }: PriceFlags): Pricing | undefined {
  if (priceIn === undefined && priceCached === undefined && priceOut === undefined) return undefined
  if (priceIn === undefined || priceOut === undefined) {
    throw new UsageError('Expected --price-in and --price-out together')
  }
  return { input: priceIn, output: priceOut, ...given({ cachedInput: priceCached }) }
}
