import type { Base, BaseOptions } from '@platformatic/kafka'
import { explain, hasError } from './errors.ts'

/**
 * The connection to the cluster, in the form of `@platformatic/kafka`: `bootstrapBrokers`, and
 * optionally `tls`, `sasl`, timeouts and more. The default of `clientId` is `llm-pack-stream`.
 */
export type KafkaConnection = Omit<BaseOptions, 'clientId'> & { readonly clientId?: string | undefined }

export function baseOptions(connection: KafkaConnection): BaseOptions {
  return { ...connection, clientId: connection.clientId ?? 'llm-pack-stream' }
}

/**
 * Checks that the cluster can be reached and has these topics. Without this check, a client may try
 * forever to find a topic that does not exist.
 */
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

/**
 * Either the broker reports the error, or the client does because the cluster listed only other
 * topics.
 */
function isUnknown(error: unknown): boolean {
  return hasError(error, 'UNKNOWN_TOPIC_OR_PARTITION') || explain(error).startsWith('Unknown topic ')
}
