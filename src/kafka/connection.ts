import type { Base, BaseOptions } from '@platformatic/kafka'
import { explain, hasError } from './errors.ts'

/**
 * How the cluster is reached, as `@platformatic/kafka` takes it: `bootstrapBrokers`, and where needed `tls`, `sasl`, timeouts
 * and more. `clientId` is `llm-pack-stream` by default.
 */
export type KafkaConnection = Omit<BaseOptions, 'clientId'> & { readonly clientId?: string }

export function baseOptions(connection: KafkaConnection): BaseOptions {
  return { clientId: 'llm-pack-stream', ...connection }
}

/** Checks that the cluster is there and has these topics: a client may try for ever to reach one that nobody has made. */
export async function checkTopics(
  client: Base,
  { bootstrapBrokers }: KafkaConnection,
  topics: readonly string[],
): Promise<void> {
  for (const topic of new Set(topics)) {
    try {
      await client.metadata({ topics: [topic], retries: 1 })
    } catch (cause) {
      if (isUnknown(cause)) throw new Error(`There is no topic '${topic}'`, { cause })
      const brokers = bootstrapBrokers.map((one) =>
        typeof one === 'string' ? one : `${one.host}:${one.port}`,
      )
      throw new Error(`Could not reach Kafka at ${brokers.join(', ')}: ${explain(cause)}`, { cause })
    }
  }
}

/** Either the broker says so, or the client, which has been told of others only. */
function isUnknown(error: unknown): boolean {
  return hasError(error, 'UNKNOWN_TOPIC_OR_PARTITION') || explain(error).startsWith('Unknown topic ')
}
