import type { Pricing } from '../index.ts'

/** Prices of a model in US dollars per million tokens, as a provider lists them. */
export interface ListedPrice extends Pricing {
  /** Price of input that the provider writes into its prompt cache, where that costs more. */
  readonly cacheWrite?: number | undefined
  /** The first day of these prices, such as `2027-01-01`. Default: they hold since ever. */
  readonly from?: string | undefined
  /** The part of the list that these prices leave out, for a person. */
  readonly note?: string | undefined
}

/** A slower and cheaper way to send the same requests to the same models. */
export interface Lane {
  /** Such as `Batch API`. */
  readonly name: string
  /** The price of all tokens as a part of the list price: 0.5 is half. */
  readonly factor: number
  /** Hours until the last answer has come, as the provider promises or intends. */
  readonly withinHours?: number | undefined
  /** Minutes that one request takes, as the provider intends. */
  readonly minutes?: { readonly low: number; readonly high: number } | undefined
  /** Names of the models that have the lane. Default: all models of the provider. */
  readonly models?: readonly string[] | undefined
  /** Page with the price. */
  readonly source: string
  /** Day of the price. */
  readonly date: string
  /** The conditions, for a person, as a part of a sentence. */
  readonly note?: string | undefined
}

/** The list prices of one provider. */
export interface ProviderPrices {
  readonly provider: string
  /** Names of its servers, such as `api.openai.com`. Default: any server. */
  readonly hosts?: readonly string[] | undefined
  /**
   * What gateways write before its models, such as `openai/`. A provider with a prefix has the same
   * prices on any server that is not in the table.
   */
  readonly prefix?: string | undefined
  /** Page with the prices. */
  readonly source: string
  /** Day of the prices, such as `2026-11-10`. */
  readonly date: string
  /** Prices by the name of the model. A list has one item for each period, the earliest first. */
  readonly models: Readonly<Record<string, ListedPrice | readonly ListedPrice[]>>
  readonly lanes?: readonly Lane[] | undefined
}

export type PriceTable = readonly ProviderPrices[]
