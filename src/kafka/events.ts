import type { RecordError } from '../index.ts'
import type { KafkaRecord } from './record.ts'
import type { TopicPartition } from './topic-partition.ts'

/** The events that a worker reports while it runs. */
export type KafkaEvent =
  | {
      /** A rebalance of the group has ended. This member now reads exactly these partitions. */
      readonly type: 'assigned'
      readonly generation: number
      readonly partitions: readonly TopicPartition[]
    }
  | {
      /**
       * These partitions will move to other members. The worker reads no more of them, and first
       * finishes the records that it has read.
       */
      readonly type: 'leaving'
      readonly partitions: readonly TopicPartition[]
    }
  | {
      /** Other members now read these partitions. */
      readonly type: 'left'
      readonly partitions: readonly TopicPartition[]
      /**
       * Number of records of these partitions that were read and not committed. The other members
       * ask for them again.
       */
      readonly uncommitted: number
      /** Number of these records without an outcome. Their outcomes will be dropped. */
      readonly unfinished: number
    }
  | {
      /**
       * The broker has deleted records before the worker read them: the worker was further behind
       * than the retention of the topic.
       */
      readonly type: 'deleted'
      readonly partition: TopicPartition
      readonly from: bigint
      /** The first offset that still exists. */
      readonly to: bigint
    }
  | {
      /** An operation failed. The worker tries it again. */
      readonly type: 'retry'
      readonly error: Error
    }
  | {
      /**
       * The worker will now send a record to the dead-letter topic. If the listener throws, the
       * worker does not send the record, and ends.
       */
      readonly type: 'rejected'
      readonly record: KafkaRecord
      readonly reason: RecordError
    }
