import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { OffsetTracker, type TopicPartitionOffset } from '../../src/kafka/offset-tracker.ts'
import type { KafkaRecord } from '../../src/kafka/record.ts'
import { settle } from '../helpers/collect.ts'

const place = { topic: 't', partition: 0 }
const at = (offset: number | bigint, partition = 0) => ({ topic: 't', partition, offset: BigInt(offset) })

function recordAt(offset: number | bigint, partition = 0): KafkaRecord {
  return { ...at(offset, partition), timestamp: 0n, key: null, value: null, headers: [] }
}

/** A tracker that holds the partition from offset 10 on, and has read these records. */
function trackerOf(...offsets: number[]): { tracker: OffsetTracker; records: KafkaRecord[] } {
  const tracker = new OffsetTracker({ maxUncommitted: 3 })
  tracker.hold(at(10))
  const records = offsets.map((offset) => recordAt(offset))
  for (const record of records) tracker.read(record)
  return { tracker, records }
}

const offsets = (ready: readonly TopicPartitionOffset[]): bigint[] => ready.map(({ offset }) => offset)

describe('the offset to commit', () => {
  it('is behind the finished records before the first unfinished record', () => {
    const { tracker, records } = trackerOf(10, 11, 14)
    expect(tracker.ready).toEqual([])
    tracker.finish(records[1]!)
    expect(tracker.ready).toEqual([])
    tracker.finish(records[0]!)
    // All records below the next unfinished record, although there is a gap.
    expect(tracker.ready).toEqual([at(14)])
    tracker.finish(records[2]!)
    expect(tracker.ready).toEqual([at(15)])
    tracker.commit(tracker.ready)
    expect(tracker.ready).toEqual([])
    expect(tracker.uncommitted(place)).toBe(0)
  })

  it('counts records that were finished or read while a commit ran', () => {
    const { tracker, records } = trackerOf(10, 11)
    tracker.finish(records[0]!)
    const { ready } = tracker
    tracker.finish(records[1]!)
    tracker.read(recordAt(12))
    tracker.commit(ready)
    expect(offsets(tracker.ready)).toEqual([12n])
    expect([tracker.uncommitted(place), tracker.unfinished(place)]).toEqual([2, 1])
  })

  it('is never less than the committed offset, also if commits end in another order', () => {
    const { tracker, records } = trackerOf(10, 11)
    tracker.finish(records[0]!)
    const first = tracker.ready
    tracker.finish(records[1]!)
    tracker.commit(tracker.ready)
    tracker.commit(first)
    expect(tracker.ready).toEqual([])
  })

  it('is the end of a gap after the last record, when all records are finished', () => {
    const { tracker, records } = trackerOf(10)
    tracker.skipTo(at(20))
    // A skip never goes back.
    tracker.skipTo(at(15))
    expect(tracker.ready).toEqual([])
    tracker.finish(records[0]!)
    expect(offsets(tracker.ready)).toEqual([20n])
    tracker.commit(tracker.ready)
    tracker.skipTo(at(30))
    expect(offsets(tracker.ready)).toEqual([30n])
    // As far as records go, the offset is already committed.
    expect(tracker.uncommitted(place)).toBe(0)
  })

  it('is separate for each partition', () => {
    const { tracker, records } = trackerOf(10)
    tracker.hold(at(0, 1))
    const other = recordAt(0, 1)
    tracker.read(other)
    tracker.finish(other)
    expect(tracker.ready).toEqual([at(1, 1)])
    tracker.finish(records[0]!)
    expect(tracker.ready).toEqual([at(11), at(1, 1)])
  })

  it('counts a record that is finished twice once, and ignores a record that was never read', () => {
    const { tracker, records } = trackerOf(10, 11)
    for (const record of [records[0]!, records[0]!, recordAt(11)]) tracker.finish(record)
    expect(tracker.unfinished(place)).toBe(1)
    expect(offsets(tracker.ready)).toEqual([11n])
  })
})

describe('a partition without a committed offset', () => {
  it('has no room before its start is committed', () => {
    const tracker = new OffsetTracker()
    tracker.hold(at(10), false)
    expect(tracker.hasRoom(place)).toBe(false)
    expect(tracker.ready).toEqual([at(10)])
    tracker.commit(tracker.ready)
    expect(tracker.hasRoom(place)).toBe(true)
    expect(tracker.ready).toEqual([])
  })
})

describe('a partition that leaves and comes back', () => {
  it('ignores records that were read before', () => {
    const { tracker, records } = trackerOf(10, 11, 12)
    tracker.finish(records[0]!)
    expect([tracker.uncommitted(place), tracker.unfinished(place)]).toEqual([3, 2])
    tracker.release(place)
    expect([tracker.uncommitted(place), tracker.unfinished(place)]).toEqual([0, 0])
    expect([tracker.isHeld(place), tracker.hasRoom(place)]).toEqual([false, false])
    expect(tracker.held).toEqual([])
    tracker.hold(at(10))
    tracker.read(recordAt(10))
    for (const record of records) {
      expect(tracker.isCurrent(record)).toBe(false)
      tracker.finish(record)
    }
    expect(tracker.unfinished(place)).toBe(1)
    expect(tracker.ready).toEqual([])
  })

  it('ignores a commit that was asked before', () => {
    const { tracker, records } = trackerOf(10)
    tracker.finish(records[0]!)
    const { ready } = tracker
    expect(offsets(ready)).toEqual([11n])
    tracker.release(place)
    tracker.hold(at(10))
    const again = recordAt(10)
    tracker.read(again)
    tracker.commit(ready)
    expect(tracker.uncommitted(place)).toBe(1)
    tracker.finish(again)
    expect(offsets(tracker.ready)).toEqual([11n])
  })
})

describe('reading', () => {
  it('continues while not too many records are uncommitted, finished or not', () => {
    const { tracker, records } = trackerOf(10, 11)
    expect(tracker.hasRoom(place)).toBe(true)
    tracker.read(recordAt(12))
    tracker.finish(records[0]!)
    expect(tracker.hasRoom(place)).toBe(false)
    tracker.commit(tracker.ready)
    expect(tracker.hasRoom(place)).toBe(true)
  })

  it('allows 1,000 uncommitted records of a partition by default', () => {
    expect(new OffsetTracker().maxUncommitted).toBe(1_000)
  })

  it('requires a held partition and rising offsets', () => {
    const { tracker } = trackerOf(10)
    expect(() => {
      tracker.read(recordAt(0, 1))
    }).toThrow('Partition t:1 is not held.')
    expect(() => {
      tracker.read(recordAt(10))
    }).toThrow('Offset 10 of t:0 has been read: next is 11.')
    tracker.skipTo(at(20, 1))
    expect(tracker.held).toEqual([place])
  })
})

it('a waiting caller is notified of new partitions, and of finished or committed records', async () => {
  const { tracker, records } = trackerOf(10)
  const happenings: [boolean, () => void][] = [
    [
      true,
      () => {
        tracker.finish(records[0]!)
      },
    ],
    [
      true,
      () => {
        tracker.commit(tracker.ready)
      },
    ],
    [
      true,
      () => {
        tracker.hold(at(0, 1))
      },
    ],
    [
      false,
      () => {
        tracker.read(recordAt(0, 1))
      },
    ],
  ]
  for (const [isHeard, happen] of happenings) {
    const heard = vi.fn<() => void>()
    void tracker.change.wait().then(heard)
    happen()
    await settle()
    expect(heard).toHaveBeenCalledTimes(isHeard ? 1 : 0)
  }
})

/** A simple model of one hold of a partition: all records that were read in it. */
interface Hold {
  readonly partition: number
  readonly read: { record: KafkaRecord; isFinished: boolean }[]
  position: bigint
  committed: bigint
}

const readyOf = ({ read, position }: Hold): bigint =>
  read.find(({ isFinished }) => !isFinished)?.record.offset ?? position

const uncommittedOf = ({ read, committed }: Hold) => read.filter(({ record }) => record.offset >= committed)

describe('in every sequence of events', () => {
  const step = fc.record({
    does: fc.constantFrom(
      ...(['read', 'read', 'read', 'finish', 'finish', 'finish', 'ask', 'commit', 'skip', 'move'] as const),
    ),
    partition: fc.nat(1),
    which: fc.nat(),
    gap: fc.constantFrom(0, 0, 0, 1, 5),
  })
  const MAX = 4

  it('no unfinished record is passed, and the room is exact', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const tracker = new OffsetTracker({ maxUncommitted: MAX })
        const holds: Hold[] = []
        const held = new Map<number, Hold>()
        /** The committed offset of the group, also while no member holds the partition. */
        const stored = [0n, 0n]
        const asked: { ready: TopicPartitionOffset[]; of: Map<number, Hold> }[] = []

        const hold = (partition: number) => {
          const offset = stored[partition]!
          const one = { partition, read: [], position: offset, committed: offset }
          holds.push(one)
          held.set(partition, one)
          tracker.hold(at(offset, partition))
        }
        const commit = (which: number) => {
          const [{ ready, of }] = asked.splice(which % asked.length, 1) as [(typeof asked)[0]]
          tracker.commit(ready)
          for (const { partition, offset } of ready) {
            const one = of.get(partition)!
            if (offset > one.committed) one.committed = offset
            // The group refuses a late commit of an earlier hold.
            if (held.get(partition) === one && offset > stored[partition]!) stored[partition] = offset
          }
        }
        const check = () => {
          const expected = [...held.values()].flatMap((one) =>
            readyOf(one) > one.committed ? [at(readyOf(one), one.partition)] : [],
          )
          expect(tracker.ready).toEqual(expected)
          expect(tracker.held.map(({ partition }) => partition)).toEqual([...held.keys()])
          for (const partition of [0, 1]) {
            const one = held.get(partition)
            const uncommitted = one ? uncommittedOf(one) : []
            expect(uncommitted.length).toBeLessThanOrEqual(MAX)
            const of = { topic: 't', partition }
            expect(tracker.isHeld(of)).toBe(one !== undefined)
            expect(tracker.uncommitted(of)).toBe(uncommitted.length)
            expect(tracker.hasRoom(of)).toBe(one !== undefined && uncommitted.length < MAX)
            expect(tracker.unfinished(of)).toBe(uncommitted.filter(({ isFinished }) => !isFinished).length)
          }
          for (const one of holds) {
            for (const { record } of one.read) {
              expect(tracker.isCurrent(record)).toBe(held.get(one.partition) === one)
            }
          }
        }

        for (const { does, partition, which, gap } of steps) {
          const of = { topic: 't', partition }
          const one = held.get(partition)
          switch (does) {
            case 'read':
              if (one && tracker.hasRoom(of)) {
                const record = recordAt(one.position + BigInt(gap), partition)
                tracker.read(record)
                one.read.push({ record, isFinished: false })
                one.position = record.offset + 1n
              }
              break
            case 'finish': {
              // Also records of earlier holds, and some records twice.
              const all = holds.flatMap(({ read }) => read).slice(-12)
              const entry = all[which % all.length]
              if (entry) {
                tracker.finish(entry.record)
                entry.isFinished = true
              }
              break
            }
            case 'ask':
              asked.push({ ready: tracker.ready, of: new Map(held) })
              break
            case 'commit':
              if (asked.length > 0) commit(which)
              break
            case 'skip':
              if (one) {
                one.position += BigInt(gap)
                tracker.skipTo(at(one.position, partition))
              }
              break
            case 'move':
              if (one) {
                const lost = uncommittedOf(one).filter(({ isFinished }) => !isFinished).length
                expect(tracker.unfinished(of)).toBe(lost)
                tracker.release(of)
                held.delete(partition)
              } else hold(partition)
          }
          check()
        }

        // When all records are finished, all can be committed.
        for (const { read } of held.values()) for (const { record } of read) tracker.finish(record)
        tracker.commit(tracker.ready)
        expect(tracker.ready).toEqual([])
        for (const { partition, position, committed } of held.values()) {
          expect(tracker.uncommitted({ topic: 't', partition })).toBe(0)
          tracker.skipTo(at(position + 1n, partition))
          expect(tracker.ready).toContainEqual(at(position + 1n, partition))
          expect(committed).toBeLessThanOrEqual(position)
        }
      }),
      { numRuns: 500 },
    )
  })
})
