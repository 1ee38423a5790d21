export { listPrices } from './list-prices.ts'
export { priceOf, type ListPrice, type NoPrice, type PriceQuery } from './price-of.ts'
export type { ListedPrice, PriceTable, ProviderPrices } from './price-table.ts'
export { readPrices } from './read-prices.ts'
