import type { ClusterMetadata, ExtendedGroupProtocolSubscription } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignCooperatively, cooperativeStickyAssigner, type Member } from '../../src/kafka/assignor.ts'
import { keyOf, type TopicPartition } from '../../src/kafka/topic-partition.ts'

type Assignment = ReadonlyMap<string, readonly TopicPartition[]>

function member(id: string, changes: Partial<Member> = {}): Member {
  return { id, topics: new Set(['t']), owned: [], generation: -1, ...changes }
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `member ${i}`)
const members = (count: number): Member[] => names(count).map((id) => member(id))

function partitionsOf(count: number, topic = 't'): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}

/** Returns assignments as sorted strings, so that they can be compared. */
const shown = (assignment: Assignment): Record<string, string[]> =>
  Object.fromEntries([...assignment].map(([id, share]) => [id, share.map(keyOf).sort()]))

/** Returns the member of each partition. */
const ownersIn = (assignment: Assignment): Map<string, string> =>
  new Map([...assignment].flatMap(([id, share]) => share.map((one) => [keyOf(one), id] as const)))

const sizesOf = (assignment: Assignment): number[] => [...assignment.values()].map(({ length }) => length)
const spread = (sizes: readonly number[]): number => Math.max(...sizes) - Math.min(...sizes)

/** Returns the members in the next round, after they have followed the assignment. */
function obey(group: readonly Member[], assignment: Assignment): Member[] {
  return group.map((one) => ({
    ...one,
    owned: assignment.get(one.id) ?? [],
    generation: Math.max(...group.map(({ generation }) => generation)) + 1,
  }))
}

/** Runs rounds until the assignment does not change. */
function converge(group: readonly Member[], partitions: readonly TopicPartition[]) {
  const rounds = [assignCooperatively(group, partitions)]
  for (let now = group; ;) {
    const last = rounds.at(-1)!
    now = obey(now, last)
    const next = assignCooperatively(now, partitions)
    if (JSON.stringify(shown(next)) === JSON.stringify(shown(last))) return { rounds, group: now, last }
    rounds.push(next)
    if (rounds.length > 20) throw new Error('It does not end.')
  }
}

const TOPICS = ['a', 'b', 'c']
const allPartitions = fc
  .tuple(...TOPICS.map(() => fc.nat(6)))
  .map((counts) => counts.flatMap((count, i) => partitionsOf(count, TOPICS[i])))

/** Partitions, and members that claim any partitions in any generation. */
function groups(topicsOf: fc.Arbitrary<readonly string[]>) {
  return allPartitions
    .chain((partitions) =>
      fc.record({
        partitions: fc.constant(partitions),
        group: fc.array(
          fc.record({
            topics: topicsOf.map((topics) => new Set(topics)),
            // Claims may name partitions that no longer exist.
            owned: fc.subarray([
              ...partitions,
              { topic: 'a', partition: 99 },
              { topic: 'gone', partition: 0 },
            ]),
            generation: fc.integer({ min: -1, max: 3 }),
          }),
          { minLength: 1, maxLength: 6 },
        ),
      }),
    )
    .map(({ partitions, group }) => ({
      partitions,
      group: group.map((one, i): Member => ({ ...one, id: `member ${i}` })),
    }))
}

const sameTopics = groups(fc.constant(TOPICS))
const anyTopics = groups(fc.subarray(TOPICS))

describe('for any claims of the members', () => {
  it('each partition has at most one member, which reads its topic, and which is its owner if it has an owner', () => {
    fc.assert(
      fc.property(anyTopics, ({ group, partitions }) => {
        const assignment = assignCooperatively(group, partitions)
        expect([...assignment.keys()].sort()).toEqual(group.map(({ id }) => id).sort())
        const assigned = [...assignment.values()].flat().map(keyOf)
        expect(new Set(assigned).size).toBe(assigned.length)
        const known = new Set(partitions.map(keyOf))
        for (const { id, topics } of group) {
          for (const partition of assignment.get(id)!) {
            const key = keyOf(partition)
            expect(known).toContain(key)
            expect(topics).toContain(partition.topic)
            // Only the claim of the latest generation can be true.
            const claims = group.filter(({ owned }) => owned.some((one) => keyOf(one) === key))
            const latest = claims.filter((one) =>
              claims.every(({ generation }) => generation <= one.generation),
            )
            if (latest.length === 1) expect(latest[0]!.id).toBe(id)
          }
        }
      }),
    )
  })

  it('after at most three rounds, all partitions with a reader are assigned', () => {
    fc.assert(
      fc.property(anyTopics, ({ group, partitions }) => {
        const { rounds, last } = converge(group, partitions)
        expect(rounds.length).toBeLessThanOrEqual(3)
        const read = partitions.filter(({ topic }) => group.some(({ topics }) => topics.has(topic)))
        expect([...ownersIn(last).keys()].sort()).toEqual(read.map(keyOf).sort())
        // No partition could move to a member with at least two fewer partitions.
        for (const { id } of group) {
          for (const { topic } of last.get(id)!) {
            for (const other of group.filter(({ topics }) => topics.has(topic))) {
              expect(last.get(other.id)!.length + 2).toBeGreaterThan(last.get(id)!.length)
            }
          }
        }
      }),
    )
  })

  it('members with the same topics get equal shares, with a difference of at most one', () => {
    fc.assert(
      fc.property(sameTopics, ({ group, partitions }) => {
        expect(spread(sizesOf(converge(group, partitions).last))).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('the order of the members and of their partitions does not matter', () => {
    fc.assert(
      fc.property(
        anyTopics.chain(({ group, partitions }) =>
          fc.record({
            ...{ group: fc.constant(group), partitions: fc.constant(partitions) },
            shuffled: fc.shuffledSubarray(group, { minLength: group.length }),
          }),
        ),
        ({ group, partitions, shuffled }) => {
          const other = shuffled.map((one) => ({ ...one, owned: one.owned.toReversed() }))
          expect(shown(assignCooperatively(other, partitions))).toEqual(
            shown(assignCooperatively(group, partitions)),
          )
        },
      ),
    )
  })
})

describe('a group', () => {
  it('that starts assigns all partitions at once, in equal shares', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(30), (count, size) => {
        const assignment = assignCooperatively(members(count), partitionsOf(size))
        expect(ownersIn(assignment).size).toBe(size)
        expect(spread(sizesOf(assignment))).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('moves the share of a new member after its owners have given it up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(30), (count, size) => {
        const partitions = partitionsOf(size)
        const before = assignCooperatively(members(count), partitions)
        const group = [...obey(members(count), before), member('a new one')]
        const { rounds, last } = converge(group, partitions)
        expect(spread(sizesOf(last))).toBeLessThanOrEqual(1)
        const [old, now] = [ownersIn(before), ownersIn(last)]
        const moved = [...old].filter(([key, id]) => now.get(key) !== id)
        expect(moved.length).toBeLessThanOrEqual(Math.ceil(size / (count + 1)))
        for (const [key] of moved) {
          expect(now.get(key)).toBe('a new one')
          expect(ownersIn(rounds[0]!).has(key)).toBe(false)
        }
        expect(rounds.length).toBe(moved.length > 0 ? 2 : 1)
      }),
    )
  })

  it('divides the partitions of a member that left at once, and moves no other partition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.nat(30), fc.nat(), (count, size, which) => {
        const partitions = partitionsOf(size)
        const before = assignCooperatively(members(count), partitions)
        const group = obey(members(count), before).filter((_, i) => i !== which % count)
        const { rounds, last } = converge(group, partitions)
        expect(rounds.length).toBe(1)
        expect(spread(sizesOf(last))).toBeLessThanOrEqual(1)
        for (const { id, owned } of group) {
          expect(last.get(id)!.map(keyOf)).toEqual(expect.arrayContaining(owned.map(keyOf)))
        }
      }),
    )
  })

  it('divides new partitions, and moves no other partition', () => {
    const before = obey(members(2), assignCooperatively(members(2), partitionsOf(3)))
    const { rounds, last } = converge(before, partitionsOf(6))
    expect(rounds.length).toBe(1)
    expect(sizesOf(last)).toEqual([3, 3])
    for (const { id, owned } of before) expect(last.get(id)).toEqual(expect.arrayContaining([...owned]))
  })

  it('without members or without partitions assigns no partition', () => {
    expect(shown(assignCooperatively([], partitionsOf(3)))).toEqual({})
    expect(shown(assignCooperatively(members(2), []))).toEqual({ 'member 0': [], 'member 1': [] })
  })
})

describe('a partition that two members claim', () => {
  it('belongs to the member with the latest generation', () => {
    const owned = partitionsOf(1)
    const group = [member('a', { owned, generation: 3 }), member('b', { owned, generation: 4 })]
    expect(shown(assignCooperatively(group, owned))).toEqual({ a: [], b: ['t:0'] })
  })

  it('has no owner if both members claim it with the same generation', () => {
    const owned = partitionsOf(3)
    const group = [member('a', { owned, generation: 3 }), member('b', { owned, generation: 3 })]
    const assignment = assignCooperatively(group, owned)
    expect(sizesOf(assignment)).toEqual([2, 1])
  })
})

describe('members that read different topics', () => {
  it('get only partitions of their topics, in shares that are as equal as possible', () => {
    const group = [
      member('both', { topics: new Set(['a', 'b']) }),
      member('only a', { topics: new Set(['a']) }),
      member('nothing', { topics: new Set() }),
    ]
    const partitions = [...partitionsOf(2, 'a'), ...partitionsOf(4, 'b'), ...partitionsOf(2, 'c')]
    expect(shown(converge(group, partitions).last)).toEqual({
      both: ['b:0', 'b:1', 'b:2', 'b:3'],
      'only a': ['a:0', 'a:1'],
      nothing: [],
    })
  })

  it('a member that no longer reads a topic gives up its partitions', () => {
    const owned = [...partitionsOf(1, 'a'), ...partitionsOf(1, 'b')]
    const group = [
      member('old', { topics: new Set(['a']), owned, generation: 1 }),
      member('other', { topics: new Set(['b']), generation: 1 }),
    ]
    const { rounds, last } = converge(group, owned)
    expect(rounds.map(shown)).toEqual([
      { old: ['a:0'], other: [] },
      { old: ['a:0'], other: ['b:0'] },
    ])
    expect(shown(last)).toEqual({ old: ['a:0'], other: ['b:0'] })
  })
})

describe('the assigner of the client', () => {
  it('reads the subscriptions, and returns assignments by topic', () => {
    const said = (
      memberId: string,
      rest: Partial<ExtendedGroupProtocolSubscription>,
    ): [string, ExtendedGroupProtocolSubscription] => [
      memberId,
      { memberId, version: 3, topics: ['a', 'b'], ...rest },
    ]
    const subscriptions = new Map([
      said('z', { ownedPartitions: [{ topic: 'b', partitions: [1, 0] }], generationId: 5 }),
      // This member uses an older version of the protocol.
      said('y', {}),
    ])
    const topic = (partitionsCount: number) => ({ id: 'id', partitions: [], partitionsCount, lastUpdate: 0 })
    const metadata: ClusterMetadata = {
      ...{ id: 'cluster', brokers: new Map(), controllerId: 1, lastUpdate: 0 },
      topics: new Map([
        ['a', topic(2)],
        ['b', topic(2)],
      ]),
    }
    const assigned = cooperativeStickyAssigner('z', subscriptions, new Set(['a', 'b']), metadata)
    expect(assigned.toSorted((one, other) => (one.memberId < other.memberId ? -1 : 1))).toEqual([
      { memberId: 'y', assignments: new Map([['a', { topic: 'a', partitions: [0, 1] }]]) },
      { memberId: 'z', assignments: new Map([['b', { topic: 'b', partitions: [0, 1] }]]) },
    ])
  })
})
