import type { KafkaEvent, TopicPartition } from '../../kafka/index.ts'
import type { StopSignal } from '../process/signals.ts'
import { whole } from '../terminal/words.ts'

/** What has happened, for a person. */
export function sayEvent(event: Exclude<KafkaEvent, { type: 'rejected' }>): string {
  switch (event.type) {
    case 'assigned':
      return event.partitions.length === 0
        ? 'Reads nothing: other workers have all partitions'
        : `Reads ${list(event.partitions)}`
    case 'leaving':
      return `Finishes ${list(event.partitions)}, to be read elsewhere`
    case 'left': {
      const { partitions, uncommitted } = event
      if (uncommitted === 0) return `Left ${list(partitions)}`
      const records = uncommitted === 1 ? '1 record' : `${whole(uncommitted)} records`
      return `Left ${list(partitions)}, with ${records} uncommitted, to be asked again elsewhere`
    }
    case 'deleted': {
      const { partition, from, to } = event
      return `Lost ${list([partition])} from offset ${from} to ${to - 1n}: deleted before it was read, as its retention has it`
    }
    case 'retry':
      return `${event.error.message}. Trying again`
  }
}

/** What a worker does at the first signal and at the second, for a person. */
export function sayStop({ name }: StopSignal, times: number): string {
  if (times > 1) return 'Giving up what is not finished.'
  const again = name === 'SIGINT' ? ' Ctrl-C again gives it up.' : ''
  return `Stopping: reads no more, and finishes what it has read.${again}`
}

/** `refunds 1; tickets 0, 2` */
function list(partitions: readonly TopicPartition[]): string {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return topics
    .map(([topic, own]) => {
      const numbers = own.map(({ partition }) => partition).sort((a, b) => a - b)
      return `${topic} ${numbers.join(', ')}`
    })
    .join('; ')
}
