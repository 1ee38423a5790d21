/**
 * librdkafka's mock cluster refuses members of a group whose SyncGroup comes after their leader's, so in tests leaders take their
 * time. By the channels on which the client tells what it does: nothing in `src` has to know. To be loaded before anything
 * connects, as a setup file, or in a process of its own with `node --import`.
 *
 * The leader asks where the partitions are before it assigns them: that is what is delayed. Nothing blocks, so members may share
 * a process. A real cluster minds no slow leader.
 */
import { subscribe } from 'node:diagnostics_channel'
import { kMetadata, type Consumer } from '@platformatic/kafka'

const JOIN_GROUP = 11
/** In ms. */
const DELAY = 300

interface Answer {
  readonly apiKey: number
  readonly result?: { readonly leader: string; readonly memberId: string }
}

/** The members that lead their group, by the last round of which they have heard. */
const leaders = new Set<string>()
/** The one that begins to answer a round, while it does. */
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
