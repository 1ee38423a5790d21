import type { RecordError } from '../index.ts'
import type { KafkaRecord } from './record.ts'
import type { TopicPartition } from './topic-partition.ts'

/** What a worker tells while it runs. */
export type KafkaEvent =
  | {
      /** A round of the group has ended: these partitions are read here from now on, those given included. */
      readonly type: 'assigned'
      readonly generation: number
      readonly partitions: readonly TopicPartition[]
    }
  | {
      /** These partitions are to move to other members: no more is read, what has been read is finished first. */
      readonly type: 'leaving'
      readonly partitions: readonly TopicPartition[]
    }
  | {
      /** These partitions are read elsewhere from now on. */
      readonly type: 'left'
      readonly partitions: readonly TopicPartition[]
      /** How many records of theirs had been read and not been committed: the other member asks for them again. */
      readonly uncommitted: number
      /** How many of these have no outcome yet: it is going to be dropped. */
      readonly unfinished: number
    }
  | {
      /** The broker has deleted records before they were read: its retention is shorter than the worker was behind. */
      readonly type: 'deleted'
      readonly partition: TopicPartition
      readonly from: bigint
      /** The first one that is still there. */
      readonly to: bigint
    }
  | {
      /** Something failed and is tried again. */
      readonly type: 'retry'
      readonly error: Error
    }
  | {
      /** A record is about to go to the dead-letter topic. If the listener throws, it does not, and the worker ends. */
      readonly type: 'rejected'
      readonly record: KafkaRecord
      readonly reason: RecordError
    }
