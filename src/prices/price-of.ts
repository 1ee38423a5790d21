import type { Pricing } from '../index.ts'
import { listPrices } from './list-prices.ts'
import type { Lane, ListedPrice, PriceTable, ProviderPrices } from './price-table.ts'

/** Where and when a model is asked. */
export interface PriceQuery {
  /** The server. Default: OpenAI's. */
  readonly baseURL?: string | undefined
  /** `service_tier` of the request. The table has the prices of the standard tier only. */
  readonly serviceTier?: unknown
  /** Default: the table of this package. */
  readonly table?: PriceTable | undefined
  /** The day of the prices. Default: today. */
  readonly at?: Date | undefined
}

/** A price from a table. */
export interface ListPrice {
  /** For the option `pricing` of a stream. */
  readonly pricing: Pricing
  /** Price of a million tokens that the provider writes into its cache, where that costs more. */
  readonly cacheWrite: number | undefined
  readonly provider: string
  /** The name of the model in the table. */
  readonly model: string
  readonly source: string
  readonly date: string
  /** The part of the list that the price leaves out. */
  readonly note: string | undefined
  /** Whether the server belongs to the provider. Another server may have another price. */
  readonly isOwnServer: boolean
}

/** That a table has no price. None is guessed. */
export interface NoPrice {
  readonly pricing: undefined
  /**
   * `model`: the table has no such model at this server. `tier`: it has no prices of this service
   * tier.
   */
  readonly why: 'model' | 'tier'
}

/** The values of `service_tier` that are billed at the standard prices. */
const STANDARD_TIERS: readonly unknown[] = [undefined, null, 'auto', 'default', 'standard', 'on_demand']

/** Finds the list price of a model. */
export function priceOf(model: string, query: PriceQuery = {}): ListPrice | NoPrice {
  const found = find(model, query)
  if (!found) return { pricing: undefined, why: 'model' }
  if (!STANDARD_TIERS.includes(query.serviceTier)) return { pricing: undefined, why: 'tier' }
  const { provider, source, date, models } = found.prices
  const { cacheWrite, note, input, cachedInput, output } = priceAt(
    [models[found.name] ?? []].flat(),
    query.at ?? new Date(),
  )
  return {
    pricing: { input, ...(cachedInput !== undefined && { cachedInput }), output },
    ...{ cacheWrite, provider, model: found.name, source, date, note, isOwnServer: found.isOwnServer },
  }
}

/** The slower and cheaper lanes of a model at its provider's own server. */
export function lanesOf(model: string, query: PriceQuery = {}): readonly Lane[] {
  const found = find(model, query)
  if (!found?.isOwnServer || !STANDARD_TIERS.includes(query.serviceTier)) return []
  return found.prices.lanes?.filter(({ models }) => models?.includes(found.name) ?? true) ?? []
}

/** The entry of the table that counts for a model at a server. */
function find(model: string, { baseURL, table = listPrices }: PriceQuery) {
  const host = hostOf(baseURL)
  const isListed = table.some(({ hosts }) => hosts?.includes(host))
  for (const prices of table) {
    const { hosts, prefix } = prices
    const isOwnServer = !hosts || hosts.includes(host)
    if (!isOwnServer && (isListed || prefix === undefined)) continue
    const name = nameIn(prices, model)
    if (name !== undefined) return { prices, name, isOwnServer }
  }
  return undefined
}

function hostOf(baseURL = 'https://api.openai.com/v1'): string {
  return URL.parse(baseURL)?.hostname ?? ''
}

/** The date at the end of a snapshot's name: `-2024-07-18` or `-20251001`. */
const SNAPSHOT = /-(?:\d{4}-\d{2}-\d{2}|\d{8})$/

/**
 * The name under which a table has a model. A snapshot without prices of its own has the prices of
 * its model.
 */
function nameIn({ prefix = '', models }: ProviderPrices, model: string): string | undefined {
  const bare = withoutPrefix(withoutPrefix(model, 'models/'), prefix)
  const names = Object.keys(models)
  // Gateways write claude-haiku-4.5 for claude-haiku-4-5.
  const plain = (name: string) => name.toLowerCase().replaceAll('.', '-')
  const find = (wanted: string) => names.find((name) => plain(name) === plain(wanted))
  return find(bare) ?? find(bare.replace(SNAPSHOT, ''))
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name
}

/** The prices of a day. */
function priceAt(periods: readonly ListedPrice[], at: Date): ListedPrice {
  const day = at.toISOString().slice(0, 10)
  const price = periods.findLast(({ from = '' }) => from <= day) ?? periods[0]
  if (!price) throw new RangeError('Expected a price in each entry of the price table')
  return price
}
