import type { KafkaEvent, TopicPartition } from '../../kafka/index.ts'
import type { StopSignal } from '../process/signals.ts'
import { whole } from '../terminal/words.ts'

/** An event, in words for a person. */
export function sayEvent(event: Exclude<KafkaEvent, { type: 'rejected' }>): string {
  switch (event.type) {
    case 'assigned':
      return event.partitions.length === 0
        ? 'Reads nothing: other workers have all partitions'
        : `Reads ${list(event.partitions)}`
    case 'leaving':
      return `Finishes ${list(event.partitions)}, which another worker takes over`
    case 'left': {
      const { partitions, uncommitted } = event
      if (uncommitted === 0) return `Left ${list(partitions)}`
      const records = uncommitted === 1 ? '1 record' : `${whole(uncommitted)} records`
      return `Left ${list(partitions)}, with ${records} uncommitted, which another worker sends again`
    }
    case 'deleted': {
      const { partition, from, to } = event
      return `Lost ${list([partition])} from offset ${from} to ${to - 1n}: the cluster deleted the records before a worker read them`
    }
    case 'retry':
      return `${event.error.message}. Trying again`
  }
}

/** The effect of a signal, in words for a person. */
export function sayStop({ name }: StopSignal, times: number): string {
  if (times > 1) return 'Giving up the unfinished records.'
  const again = name === 'SIGINT' ? ' Ctrl-C again gives them up.' : ''
  return `Stopping: finishes the records that it has read, and reads no more.${again}`
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
