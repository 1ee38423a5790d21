/**
 * librdkafka's mock cluster refuses members of a group whose SyncGroup comes after the leader's. So
 * in tests, leaders wait. The module uses the client's diagnostics channels, so `src` does not know
 * of it. Load it before the first connection: as a setup file, or in another process with `node
 * --import`.
 *
 * The leader asks for the places of the partitions before it assigns them. The module delays this
 * request. It does not block, so members may share a process. A real cluster works with a slow
 * leader.
 */
import { subscribe } from 'node:diagnostics_channel'
import { kMetadata, type Consumer } from '@platformatic/kafka'

const JOIN_GROUP = 11
/** Delay of the leader, in ms. */
const DELAY = 300

interface Answer {
  readonly apiKey: number
  readonly result?: { readonly leader: string; readonly memberId: string }
}

/** The members that lead their group since the last rebalance that they heard of. */
const leaders = new Set<string>()
/** The member that is starting to answer a rebalance. */
let syncing: unknown

subscribe('tracing:plt:kafka:connections:api:asyncStart', (message) => {
  const { apiKey, result } = message as Answer
  if (apiKey !== JOIN_GROUP || !result) return
  if (result.leader === result.memberId) leaders.add(result.memberId)
  else leaders.delete(result.memberId)
})

subscribe('tracing:plt:kafka:consumer:group:start', (message) => {
  const { client, operation } = message as { client: unknown; operation: string }
  if (operation === 'syncGroup') syncing = client
})

subscribe('tracing:plt:kafka:consumer:group:end', () => {
  syncing = undefined
})

subscribe('plt:kafka:instances', (message) => {
  const { type, instance } = message as { type: string; instance: Consumer }
  if (type !== 'consumer') return
  const metadata = instance[kMetadata].bind(instance)
  instance[kMetadata] = (...args) => {
    const isSlow = syncing === instance && leaders.has(instance.memberId ?? '')
    if (isSlow) setTimeout(metadata, DELAY, ...args)
    else metadata(...args)
  }
})
