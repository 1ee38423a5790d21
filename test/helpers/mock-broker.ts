/**
 * librdkafka's mock cluster, in this process, on a port of loopback, so that other processes reach it too. It is in Debian's and
 * Ubuntu's package `librdkafka1`, and was tried in version 2.0.2. It keeps all in memory, and is not a whole Kafka:
 *
 * - It encodes the answers of ListOffsets from version 4 on wrongly, and takes JoinGroup from version 6 on for something else
 *   where a newer one offers that: clients are told that there are only older ones.
 * - Of a round of a group, it refuses the members that come after the leader with INVALID_REQUEST: `slow-leader.ts`.
 * - The first member of a group waits 3 s, in which others may come. Each later round takes as long as the session timeout but
 *   for a second, whether all have come or not: tests take 6 s, the least that clients should have.
 * - Each partition keeps about 5 MB. What is older is gone, and no compaction, transaction or deletion makes gaps.
 * - Nobody can create a topic by asking for it as an administrator does (`createTopic` here). One that is asked for without being
 *   there is made, with 4 partitions.
 * - There are no groups of the new protocol (KIP-848), no users, no TLS.
 */
import koffi from 'koffi'

export interface MockBroker {
  /** `host:port` */
  readonly address: string
  createTopic(name: string, partitions: number): void
  /** From now on it says that there is no such topic. */
  hideTopic(name: string): void
  /** Requests of a kind that come next are refused, each with one of these errors, by the protocol's numbers. */
  refuse(apiKey: number, errors: readonly number[]): void
  stop(): void
}

const RD_KAFKA_PRODUCER = 0
const LIST_OFFSETS = 2
const JOIN_GROUP = 11
const UNKNOWN_TOPIC_OR_PARTITION = 3

/**
 * What it can do, or why it is not there.
 *
 * Never to be let go: koffi closes a library that nobody refers to any more, and librdkafka's threads then run where no code is.
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

/** Why there is no mock broker on this machine; nothing if there is. */
export const noMockBroker = 'error' in library ? `no librdkafka: ${String(library.error)}` : undefined

/** @throws {Error} If there is none on this machine. */
export function startMockBroker(topics: Readonly<Record<string, number>> = {}): MockBroker {
  if ('error' in library) throw new Error(noMockBroker, { cause: library.error })
  const config: unknown = library.newConfig()
  // Errors alone: it would warn on stderr that its own client, of which there is no use, knows no broker.
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
