import type { PackStreamOptions } from '../../index.ts'
import type { KafkaRecord } from '../../kafka/index.ts'
import { given } from '../flags/given.ts'
import type { Task } from '../task/job.ts'
import { hoistBy, partitionBy } from '../task/partition.ts'
import { askedText } from '../rows/item.ts'
import type { ItemOf } from './messages.ts'

/** The options of a stream that depend on messages as records. */
export function askingOf(
  { examples, hoist }: Pick<Task, 'examples' | 'hoist'>,
  itemOf: ItemOf,
  partition: string | undefined,
): Pick<PackStreamOptions<KafkaRecord, unknown>, 'examples' | 'serialize' | 'partition' | 'hoist'> {
  // Examples are texts, but a stream of messages needs messages. Each example gets a message of its
  // own.
  const samples = new Map(examples?.map((example) => [sample(example.file), example]))
  const key = partitionBy(partition)
  const fieldsOf = hoistBy(hoist)
  return {
    ...given({
      examples: examples && Array.from(samples, ([record, { value }]) => ({ record, value })),
      hoist: fieldsOf && ((record: KafkaRecord) => samples.get(record)?.own ?? fieldsOf(itemOf(record))),
      partition: key && ((record: KafkaRecord) => key(itemOf(record))),
    }),
    serialize: (record) => samples.get(record)?.text ?? askedText(itemOf(record)),
  }
}

function sample(topic: string): KafkaRecord {
  return { topic, partition: 0, offset: 0n, timestamp: 0n, key: null, value: null, headers: [] }
}
