import type { CheckFlags } from '../flags/check-flags.ts'
import type { SendingFlags } from '../flags/sending-flags.ts'
import type { TaskFlags } from '../flags/flags.ts'
import type { EndpointFlags } from '../task/endpoint.ts'
import type { ConnectionFlags } from './connection.ts'
import type { MessageFormat } from './messages.ts'
import type { TopicFlags } from './topics.ts'

/** Default of `--format`. */
export const FORMAT = 'json'

export interface KafkaFlags
  extends TaskFlags, SendingFlags, CheckFlags, EndpointFlags, ConnectionFlags, TopicFlags {
  format?: MessageFormat
  startFrom?: 'earliest' | 'latest'
  assignor?: 'cooperative-sticky' | 'roundrobin'
  maxUncommitted?: number
  maxPartitionBytes?: number
  commitInterval?: number
  sessionTimeout?: number
  revokeTimeout?: number
  stopTimeout?: number
  json?: boolean
  progress?: boolean
}
