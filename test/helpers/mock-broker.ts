/**
 * librdkafka's mock cluster, in this process, on a port of loopback that other processes reach too.
 * It is in the package `librdkafka1` of Debian and Ubuntu, and was tested in version 2.0.2. It
 * keeps all data in memory, and is not a complete Kafka:
 *
 * - From version 4 on, it encodes the answers of ListOffsets wrongly. From version 6 on, it reads
 *   JoinGroup wrongly. So it offers clients only older versions.
 * - It refuses members that come to a rebalance after the leader, with INVALID_REQUEST: see
 *   `slow-leader.ts`.
 * - The first member of a group waits 3 s for other members. Each later rebalance takes the session
 *   timeout minus 1 s, also if all members have come. Tests use a session timeout of 6 s, the
 *   smallest value that clients should have.
 * - Each partition keeps about 5 MB. Older records are deleted. No compaction, transaction or
 *   deletion makes gaps.
 * - A client cannot create a topic as an administrator (`createTopic` does it here). A request for
 *   a topic that does not exist creates it with 4 partitions.
 * - There are no groups of the new protocol (KIP-848), no users and no TLS.
 */
import koffi from 'koffi'

export interface MockBroker {
  /** The address: `host:port`. */
  readonly address: string
  createTopic(name: string, partitions: number): void
  /** From now on, the broker answers that this topic does not exist. */
  hideTopic(name: string): void
  /**
   * The next requests of this kind are refused, each with one of these errors, by their numbers in
   * the protocol.
   */
  refuse(apiKey: number, errors: readonly number[]): void
  stop(): void
}

const RD_KAFKA_PRODUCER = 0
const LIST_OFFSETS = 2
const JOIN_GROUP = 11
const UNKNOWN_TOPIC_OR_PARTITION = 3

/**
 * The library's functions, or the reason why it is missing.
 *
 * The reference is kept forever: koffi closes a library without references, and then librdkafka's
 * threads would run in memory without code.
 */
const library = load()

function load() {
  try {
    const lib = koffi.load('librdkafka.so.1')
    return {
      lib,
      newConfig: lib.func('void *rd_kafka_conf_new()'),
      configure: lib.func('int rd_kafka_conf_set(void *, const char *, const char *, char *, size_t)'),
      newClient: lib.func('void *rd_kafka_new(int, void *, char *, size_t)'),
      destroyClient: lib.func('void rd_kafka_destroy(void *)'),
      newCluster: lib.func('void *rd_kafka_mock_cluster_new(void *, int)'),
      destroyCluster: lib.func('void rd_kafka_mock_cluster_destroy(void *)'),
      addressOf: lib.func('const char *rd_kafka_mock_cluster_bootstraps(void *)'),
      createTopic: lib.func('int rd_kafka_mock_topic_create(void *, const char *, int, int)'),
      failTopic: lib.func('void rd_kafka_mock_topic_set_error(void *, const char *, int)'),
      refuse: lib.func('void rd_kafka_mock_push_request_errors_array(void *, int16_t, size_t, int *)'),
      offer: lib.func('int rd_kafka_mock_set_apiversion(void *, int16_t, int16_t, int16_t)'),
    }
  } catch (error) {
    return { error }
  }
}

/** The reason why this machine has no mock broker. `undefined` if it has one. */
export const noMockBroker = 'error' in library ? `no librdkafka: ${String(library.error)}` : undefined

/** @throws {Error} If this machine has no mock broker. */
export function startMockBroker(topics: Readonly<Record<string, number>> = {}): MockBroker {
  if ('error' in library) throw new Error(noMockBroker, { cause: library.error })
  const config: unknown = library.newConfig()
  // Only errors are logged. Otherwise the broker would warn on stderr that its own client, which is
  // not used, knows no broker.
  library.configure(config, 'log_level', '3', null, 0)
  const client: unknown = library.newClient(RD_KAFKA_PRODUCER, config, null, 0)
  const cluster: unknown = library.newCluster(client, 1)
  library.offer(cluster, LIST_OFFSETS, 0, 3)
  library.offer(cluster, JOIN_GROUP, 0, 5)
  const broker = {
    address: library.addressOf(cluster) as string,
    createTopic(name: string, partitions: number) {
      const error = library.createTopic(cluster, name, partitions, 1) as number
      if (error !== 0) throw new Error(`The mock broker does not create topic ${name}: error ${error}.`)
    },
    hideTopic(name: string) {
      library.failTopic(cluster, name, UNKNOWN_TOPIC_OR_PARTITION)
    },
    refuse(apiKey: number, errors: readonly number[]) {
      library.refuse(cluster, apiKey, errors.length, Int32Array.from(errors))
    },
    stop() {
      library.destroyCluster(cluster)
      library.destroyClient(client)
    },
  }
  for (const [name, partitions] of Object.entries(topics)) broker.createTopic(name, partitions)
  return broker
}
