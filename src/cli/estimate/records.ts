import { partitionWith } from '../../engine/index.ts'
import type { Example } from '../../index.ts'
import { sharedFields } from '../../options/index.ts'
import type { Item } from '../rows/item.ts'
import type { PlanRecord } from './input.ts'
import type { PlanExample } from './options.ts'

/** The records of an input, as an estimate needs them. */
export async function* plannedRecords(
  items: AsyncIterable<Item> | Iterable<Item>,
  partitionOf: ((item: Item) => string) | undefined,
  fieldsOf: ((item: Item) => Item['own']) | undefined,
): AsyncGenerator<PlanRecord | undefined> {
  for await (const item of items) {
    const { text } = item
    const shared = fieldsOf && sharedFields(fieldsOf(item))
    const key = typeof text === 'string' ? partitionOf?.(item) : undefined
    const partition = shared ? partitionWith(shared, key) : key
    yield typeof text === 'string' ? { text, partition, shared } : undefined
  }
}

export function plannedExample({ record, value }: Example<Item>): PlanExample {
  return { record: record.text as string, value, shared: sharedFields(record.own) }
}
