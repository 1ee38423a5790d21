import { describe, expect, test } from 'vitest'
import {
  expectShare,
  goldOf,
  isRight,
  labels,
  range,
  rightIn,
  schemaOf,
  share,
  simulated,
  textOf,
} from './simulated.ts'

const RECORDS = range(5_000)

describe('what is planted is found', () => {
  test('without losses, every record is right', () => {
    const { askAll, stats } = simulated()
    expect(share(rightIn(askAll(range(500), 25), range(500)))).toBe(1)
    expect(stats).toEqual({ asked: 500, right: 500, flipped: 0, neighbours: 0, catchAll: 0, badPacks: 0 })
  })

  test('the accuracy, of the same records alone and in packs', () => {
    const { askAll, stats } = simulated({ accuracy: 0.8 })
    const alone = askAll(RECORDS, 1)
    expectShare(rightIn(alone, RECORDS), 0.8)
    // Without a loss, nothing depends on the pack.
    expect(askAll(RECORDS, 25)).toEqual(alone)
    expect(stats.right / stats.asked).toBe(share(rightIn(alone, RECORDS)))
    // A wrong answer is each of the other labels.
    const wrong = alone.filter((label, at) => !isRight(label, at))
    for (const label of labels.slice(0, 4))
      expectShare(
        wrong.map((given) => given === label),
        0.1875,
      )
    expectShare(
      wrong.map((given) => given === 'other'),
      0.25,
    )
  })

  test('a loss by size: exact at the given sizes, on a line between them', () => {
    const { askAll } = simulated({ accuracy: 0.9, perSize: { 50: 12, 25: 3 } })
    const right = (size: number) => rightIn(askAll(RECORDS, size), RECORDS)
    const alone = right(1)
    for (const [size, loss] of [
      [25, 3],
      [40, 8.4],
      [80, 12],
    ] as const) {
      // The same records, so only the records that change count: a loss of 3 points is 3% of them.
      const packed = right(size)
      expectShare(
        alone.map((was, at) => was && packed[at] === false),
        loss / 100,
      )
      expect(alone.some((was, at) => !was && packed[at])).toBe(false)
    }
  })

  test('a gain by size', () => {
    const { askAll } = simulated({ accuracy: 0.9, perSize: { 25: -5 } })
    expectShare(rightIn(askAll(RECORDS, 25), RECORDS), 0.95)
  })

  test('a loss by position', () => {
    const right = (perPosition: number) =>
      rightIn(simulated({ accuracy: 0.9, perPosition }).askAll(RECORDS, 25), RECORDS)
    const without = right(0)
    const lost = right(1).map((isRight, at) => without[at] !== isRight)
    // The first record of a pack loses nothing at all.
    for (const at of range(25)) {
      expectShare(
        lost.filter((_, record) => record % 25 === at),
        at / 100,
      )
    }
  })

  test('the pull of neighbours: a loss of records behind another label, which they take', () => {
    const { askAll, stats } = simulated({ accuracy: 0.9, neighbours: 8 })
    const alone = askAll(RECORDS, 1)
    const packed = askAll(RECORDS, 25)
    const before = (at: number) => (at % 25 === 0 ? undefined : goldOf(textOf(at - 1)))
    const pulled = RECORDS.filter((at) => before(at) !== undefined && before(at) !== goldOf(textOf(at)))
    expect(pulled.length).toBeGreaterThan(3_000)
    const taken = pulled.map((at) => isRight(alone[at], at) && packed[at] === before(at))
    expectShare(taken, 0.08)
    expect(stats.neighbours).toBe(taken.filter(Boolean).length)
    // All other records are as they were alone.
    expect(RECORDS.filter((at) => alone[at] !== packed[at])).toEqual(pulled.filter((_, i) => taken[i]))
    // In a pack of one label nothing pulls.
    const same = RECORDS.filter((at) => goldOf(textOf(at)) === 'a')
    expect(askAll(same, 25)).toEqual(same.map((at) => alone[at]))
  })

  test('runs of one result: records behind them lose, by whether the result is their own', () => {
    const { askAll, stats } = simulated({ accuracy: 0.9, runs: { length: 2, same: 10, other: 20 } })
    const alone = askAll(RECORDS, 1)
    const packed = askAll(RECORDS, 25)
    const gold = (at: number) => goldOf(textOf(at))
    const inRun = RECORDS.filter((at) => at % 25 >= 2 && gold(at - 1) === gold(at - 2))
    const [same, other] = [true, false].map((isOwn) =>
      inRun.filter((at) => (gold(at - 1) === gold(at)) === isOwn),
    )
    if (!same || !other) throw new Error('no runs')
    const isLost = (at: number) => isRight(alone[at], at) && !isRight(packed[at], at)
    expectShare(same.map(isLost), 0.1)
    expectShare(other.map(isLost), 0.2)
    expect(other.filter(isLost).map((at) => packed[at])).toEqual(
      other.filter(isLost).map((at) => gold(at - 1)),
    )
    expect(stats.neighbours).toBe(other.filter(isLost).length)
    // All other records are as they were alone.
    expect(RECORDS.filter((at) => alone[at] !== packed[at]).length).toBe(
      [...same, ...other].filter(isLost).length,
    )
  })

  test('a better model: the records of its accuracy, and no record worse', () => {
    const { askAll } = simulated({
      ...{ accuracy: 0.8, perSize: { 25: 10 } },
      models: { large: { accuracy: 0.95, perSize: {} }, other: { seed: 2 } },
    })
    const [small, large, other] = ['m', 'large', 'other'].map((model) =>
      rightIn(askAll(RECORDS, 25, model), RECORDS),
    )
    if (!small || !large || !other) throw new Error('no answers')
    expectShare(small, 0.7)
    expectShare(large, 0.95)
    expectShare(other, 0.7)
    expect(small.some((was, at) => was && large[at] === false)).toBe(false)
    // Of another seed, other records are hard.
    expectShare(
      small.map((was, at) => was && other[at] === true),
      0.49,
    )
  })

  test('a confidence: of a right and a wrong answer, the right has the higher in five of six cases', () => {
    const schema = schemaOf({ confidence: { type: 'number' }, label: { enum: labels } })
    const { ask } = simulated({ accuracy: 0.5 }, schema)
    const answers = range(200).flatMap((pack) => ask(range(25, 25 * pack).map(textOf)))
    const right = rightIn(
      answers.map(({ label }) => label),
      RECORDS,
    )
    const of = (wanted: boolean) =>
      answers.filter((_, at) => right[at] === wanted).map(({ confidence }) => confidence as number)
    const [sure, unsure] = [of(true), of(false)]
    expectShare(
      range(Math.min(sure.length, unsure.length)).map((at) => sure[at]! > unsure[at]!),
      5 / 6,
    )
    expect(Math.min(...sure, ...unsure)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...sure, ...unsure)).toBeLessThanOrEqual(1)
    // A result that the schema does not allow has the confidence of words in common.
    const unknown = { truth: () => 'no label' }
    expect(simulated(unknown, schema).ask(['a'])).toEqual(simulated({ truth: {} }, schema).ask(['a']))
  })

  test('noise: a share of answers flips from one request to the next, and the accuracy stays', () => {
    const { askAll, stats } = simulated({ accuracy: 0.85, noise: 0.06, perSize: { 25: 3 } })
    const [first, second, packed, again] = [1, 1, 25, 25].map((size) => askAll(RECORDS, size))
    if (!first || !second || !packed || !again) throw new Error('no answers')
    for (const answers of [first, second]) expectShare(rightIn(answers, RECORDS), 0.85)
    for (const answers of [packed, again]) expectShare(rightIn(answers, RECORDS), 0.82)
    expectShare(
      first.map((label, at) => label !== second[at]),
      0.06,
    )
    expectShare(
      packed.map((label, at) => label !== again[at]),
      0.06,
    )
    // Half of the band is on each side of the limit, and a quarter of its records is moved over it.
    expectShare(
      RECORDS.concat(RECORDS, RECORDS, RECORDS).map((_, at) => at < stats.flipped),
      0.045,
    )
  })

  test('bad packs: a share of the packs loses much, drawn for each request', () => {
    const { askAll, stats } = simulated({ accuracy: 0.9, badPacks: { share: 0.1, loss: 60 } })
    const accuracies = () => {
      const right = rightIn(askAll(RECORDS, 25), RECORDS)
      return range(200).map((pack) => share(right.slice(pack * 25, (pack + 1) * 25)))
    }
    const first = accuracies()
    const second = accuracies()
    const isBad = (accuracy: number) => accuracy < 0.6
    // Of 25 records, 7.5 are right in a bad pack and 22.5 in any other pack.
    for (const packs of [first, second]) expectShare(packs.map(isBad), 0.1)
    expect(stats.badPacks).toBe([...first, ...second].filter(isBad).length)
    expectShare(
      first.map((accuracy, pack) => isBad(accuracy) && isBad(second[pack] ?? 1)),
      0.01,
    )
    const { badPacks } = stats
    askAll(range(2_000), 1)
    expect(stats.badPacks).toBe(badPacks)
  })

  test('a catch-all label: its share of wrong answers grows with the pack', () => {
    const { askAll, stats } = simulated({ accuracy: 0.7, catchAll: 'other' })
    for (const size of [1, 2, 25]) {
      const answers = askAll(RECORDS, size)
      const wrong = answers.filter((label, at) => !isRight(label, at))
      // One of four other labels is `other` by chance.
      expectShare(
        wrong.map((label) => label === 'other'),
        1 - 0.75 / size,
      )
    }
    expect(stats.catchAll).toBeGreaterThan(0)
  })
})

test('answers depend on the seed, the request and its repetition, and not on the order', () => {
  const quality = { accuracy: 0.7, noise: 0.15, neighbours: 5, badPacks: { share: 0.3, loss: 20 } }
  const packs = range(60).map((pack) => range(7, pack * 7).map(textOf))
  // Each pack comes twice.
  const ask = (order: readonly number[], seed = 1) => {
    const { ask } = simulated({ ...quality, seed })
    const answers = new Map<number, string[]>()
    for (const pack of order) {
      answers.set(pack, [...(answers.get(pack) ?? []), JSON.stringify(ask(packs[pack] ?? []))])
    }
    return range(60).map((pack) => answers.get(pack))
  }
  const twice = [...range(60), ...range(60)]
  const answers = ask(twice)
  expect(ask(twice)).toEqual(answers)
  expect(ask(twice.toReversed())).toEqual(answers)
  expect(ask(range(60).flatMap((pack) => [pack, pack]))).toEqual(answers)
  expect(ask(twice, 2)).not.toEqual(answers)
  expect(answers.some((both) => both?.[0] !== both?.[1])).toBe(true)
})
