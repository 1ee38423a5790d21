import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { Answerer } from '../../../src/simulator/answer/answer.ts'
import { QualityModel } from '../../../src/simulator/quality/model.ts'
import { type Quality, resolveQuality } from '../../../src/simulator/quality/options.ts'
import { emptyQuality } from '../../../src/simulator/quality/stats.ts'

const labels = ['a', 'b', 'c', 'd', 'other']
const objectOf = (properties: object) => ({ type: 'object', properties, required: Object.keys(properties) })
const schemaOf = (properties: object) => ({
  type: 'object',
  properties: {
    results: {
      type: 'array',
      items: objectOf({ id: { type: 'integer' }, ...properties }),
    },
  },
  required: ['results'],
})

const textOf = (record: number) => `message ${record} of a customer`
/** The right labels are in no order, and never `other`. */
const goldOf = (text: string) => labels[Math.floor(Math.abs(Math.sin(Number(text.split(' ')[1])) * 1e4)) % 4]
const range = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at)

/** A simulator without a network. `ask` returns the results of one request. */
function simulated(quality: Partial<Quality> = {}, schema: object = schemaOf({ label: { enum: labels } })) {
  const stats = emptyQuality()
  const answerer = new Answerer(new QualityModel(resolveQuality({ truth: goldOf, ...quality }), stats))
  const format = {
    type: 'json_schema' as const,
    name: 'r',
    schema,
    json: JSON.stringify(schema),
    strict: false,
  }
  const settings = { api: 'chat' as const, model: 'm', stream: false, maxTokens: undefined, format }
  const say = (text: string): unknown =>
    JSON.parse(answerer.answer({ ...settings, messages: [{ role: 'user', text }] }))
  const ask = (texts: readonly string[]) => {
    const message = texts.map((text, at) => `<record id="${at + 100}">${text}</record>`).join('\n')
    return (say(message) as { results: Record<string, unknown>[] }).results
  }
  /** Asks all records in packs of `size`. Returns the label of each record. */
  const askAll = (records: readonly number[], size: number): unknown[] =>
    range(Math.ceil(records.length / size)).flatMap((pack) =>
      ask(records.slice(pack * size, (pack + 1) * size).map(textOf)).map(({ label }) => label),
    )
  return { stats, say, ask, askAll }
}

const isRight = (label: unknown, record: number) => label === goldOf(textOf(record))
const rightIn = (answers: readonly unknown[], records: readonly number[]) =>
  answers.map((label, at) => isRight(label, records[at] ?? NaN))
const share = (flags: readonly boolean[]) => flags.filter(Boolean).length / flags.length
/** Five standard deviations of a share: chance exceeds them in one of 1.7 million cases. */
const luck = (expected: number, count: number) => 5 * Math.sqrt((expected * (1 - expected)) / count)
function expectShare(flags: readonly boolean[], expected: number) {
  expect(flags.length).toBeGreaterThan(0)
  expect(Math.abs(share(flags) - expected)).toBeLessThanOrEqual(luck(expected, flags.length))
}

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
    const { askAll } = simulated({ accuracy: 0.9, perPosition: 1 })
    const packed = rightIn(askAll(RECORDS, 25), RECORDS)
    for (const at of range(25))
      expectShare(
        packed.filter((_, record) => record % 25 === at),
        0.9 - at / 100,
      )
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

describe('the place of the right result', () => {
  const half = { accuracy: 0.5 }
  const texts = range(200).map(textOf)

  test.each<[string, object, unknown, string]>([
    ['the enum, before a text', { reason: { type: 'string' }, label: { enum: labels } }, 'b', 'label'],
    [
      'an enum behind a reference or null',
      { label: { anyOf: [{ type: 'null' }, { enum: labels }] } },
      'b',
      'label',
    ],
    ['null', { label: { anyOf: [{ type: 'null' }, { enum: labels }] } }, null, 'label'],
    ['a boolean', { why: { type: 'string' }, urgent: { type: 'boolean' } }, true, 'urgent'],
    [
      'a number beside a confidence',
      { confidence: { type: 'number' }, stars: { type: 'integer' } },
      4,
      'stars',
    ],
    ['a text', { summary: { type: 'string' } }, 'short', 'summary'],
    ['a list', { tags: { type: 'array', items: { enum: labels } } }, ['c', 'd'], 'tags'],
    ['an empty list', { tags: { type: 'array', items: { type: 'string' } } }, [], 'tags'],
    [
      'the field of a nested object',
      { inner: { type: 'object', properties: { label: { enum: labels } }, required: ['label'] } },
      { label: 'd' },
      'inner',
    ],
  ])('%s', (_, properties, truth, name) => {
    const schema = schemaOf(properties)
    const { ask, stats } = simulated(
      { ...half, truth: () => (name === 'inner' ? { inner: truth } : truth) },
      schema,
    )
    const own = simulated({ truth: () => undefined }, schema).ask(texts)
    const answers = ask(texts)
    const right = answers.map((answer) => JSON.stringify(answer[name]) === JSON.stringify(truth))
    expectShare(right, 0.5)
    expect(stats).toMatchObject({ asked: 200, right: right.filter(Boolean).length })
    // All other fields are as without the option.
    expect(answers.map((answer) => ({ ...answer, [name]: 0 }))).toEqual(
      own.map((answer) => ({ ...answer, [name]: 0 })),
    )
  })

  test('several fields by name: a wrong record is wrong in each of them', () => {
    const properties = { label: { enum: labels }, urgent: { type: 'boolean' }, note: { type: 'string' } }
    const schema = schemaOf(properties)
    const { ask } = simulated({ ...half, truth: () => ({ label: 'c', urgent: false, unknown: 1 }) }, schema)
    const right = ask(texts).map(({ label, urgent }) => [label === 'c', urgent === false])
    expect(right.every(([label, urgent]) => label === urgent)).toBe(true)
    expectShare(
      right.map(([label]) => label === true),
      0.5,
    )
  })

  test('texts of a CSV file fit numbers, booleans and enums of them', () => {
    const properties = { n: { type: 'integer' }, is: { type: 'boolean' }, grade: { enum: [1, 2, 3] } }
    const schema = schemaOf(properties)
    const { ask } = simulated({ truth: () => ({ n: '7', is: 'true', grade: '2' }) }, schema)
    expect(ask(['x'])).toEqual([{ id: 100, n: 7, is: true, grade: 2 }])
  })

  test('a record without a right result, or with a result outside the schema, is answered as before', () => {
    const { ask, stats } = simulated({ accuracy: 0, truth: { c: undefined, d: 'no label' } })
    const own = simulated({ truth: {} }).ask(['b', 'c', 'd'])
    expect(ask(['b', 'c', 'd'])).toEqual(own)
    expect(stats).toMatchObject({ asked: 0, right: 0 })
  })

  test.each<[string, object, string, unknown]>([
    [
      'an object about one text',
      { type: 'object', properties: { label: { enum: labels } }, required: ['label'] },
      'message',
      { label: 'd' },
    ],
    [
      'an object about one tagged record',
      { type: 'object', properties: { label: { enum: labels } }, required: ['label'] },
      '<r id="4">message</r>',
      { label: 'd' },
    ],
    [
      'an array of labels',
      { type: 'object', properties: { all: { type: 'array', items: { enum: labels } } }, required: ['all'] },
      '1. x\n2. message',
      { all: [expect.any(String), 'd'] },
    ],
    [
      'properties named by records',
      {
        type: 'object',
        properties: {
          r1: { enum: labels },
          r2: { type: 'object', properties: { label: { enum: labels } }, required: ['label'] },
        },
        required: ['r1', 'r2'],
      },
      '1. message\n2. message',
      { r1: 'd', r2: { label: 'd' } },
    ],
    [
      'one text in an array',
      schemaOf({ label: { enum: labels } }),
      'message',
      { results: [{ id: 1, label: 'd' }] },
    ],
  ])('%s', (_, schema, message, answer) => {
    const { say } = simulated({ truth: { message: 'd' } }, schema)
    expect(say(message)).toEqual(answer)
  })

  test('a record of JSON is found by its JSON, or by its texts', () => {
    const record = '{"title":"Hi","n":3}'
    for (const truth of [{ [record]: 'd' }, { Hi: 'd' }, new Map([[` ${record}\n`, 'd']])]) {
      expect(simulated({ truth }).ask([record])).toEqual([{ id: 100, label: 'd' }])
    }
    const seen: string[] = []
    simulated({ truth: (text) => void seen.push(text) }).ask([record, ' plain '])
    expect(seen).toEqual([record, 'plain'])
  })
})

describe('bad options', () => {
  test.each<[object | number, ErrorConstructor, string]>([
    [1, TypeError, 'quality: expected an object, got 1'],
    [
      {},
      TypeError,
      'quality.truth: expected a function, a Map, or an object from texts to results, got undefined',
    ],
    [{ truth: ['a'] }, TypeError, 'quality.truth: expected a function'],
    [{ truth: {}, acuracy: 1 }, TypeError, 'quality.acuracy: expected one of truth, seed, accuracy, '],
    [{ truth: {}, seed: 0.5 }, RangeError, 'quality.seed: expected a whole number, got 0.5'],
    [{ truth: {}, accuracy: 90 }, RangeError, 'quality.accuracy: expected a share from 0 to 1, got 90'],
    [
      { truth: {}, perPosition: -1 },
      RangeError,
      'quality.perPosition: expected points from 0 to 100, got -1',
    ],
    [{ truth: {}, neighbours: '5' }, TypeError, "quality.neighbours: expected points from 0 to 100, got '5'"],
    [{ truth: {}, perSize: 3 }, TypeError, 'quality.perSize: expected an object such as { 25: 3 }, got 3'],
    [
      { truth: {}, perSize: { 1: 3 } },
      RangeError,
      'quality.perSize: expected whole numbers from 2 as sizes, got 1',
    ],
    [
      { truth: {}, perSize: { 25: '3' } },
      TypeError,
      "quality.perSize.25: expected points from 0 to 100, got '3'",
    ],
    [
      { truth: {}, perSize: { 25: -3 } },
      RangeError,
      'quality.perSize.25: expected points from 0 to 100, got -3',
    ],
    [
      { truth: {}, accuracy: 0.9, noise: 0.02, perSize: { 25: -8 } },
      RangeError,
      'quality.perSize.25: expected points from -7 to 100, got -8',
    ],
    [
      { truth: {}, noise: 0.01 },
      RangeError,
      'quality.noise: expected a share from 0 to 0 (two thirds of the smaller',
    ],
    [
      { truth: {}, accuracy: 0.7, noise: 0.21 },
      RangeError,
      'quality.noise: expected a share from 0 to 0.2 (two',
    ],
    [{ truth: {}, badPacks: 0.1 }, TypeError, 'quality.badPacks: expected an object, got 0.1'],
    [
      { truth: {}, badPacks: { share: 0.1 } },
      TypeError,
      'quality.badPacks.loss: expected points from 0 to 100, got undefined',
    ],
    [
      { truth: {}, badPacks: { share: 2, loss: 5 } },
      RangeError,
      'quality.badPacks.share: expected a share from 0 to 1, got 2',
    ],
  ])('%j', async (quality, type, message) => {
    const error: unknown = await startSimulator({ quality } as object).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(type)
    expect(String(error)).toContain(message)
  })
})
