import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { expectShare, labels, range, schemaOf, simulated, textOf } from './simulated.ts'

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
    // All other fields are as without the option, except a confidence.
    expect(answers.map((answer) => ({ ...answer, [name]: 0, confidence: 0 }))).toEqual(
      own.map((answer) => ({ ...answer, [name]: 0, confidence: 0 })),
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
    [{ truth: {}, runs: 5 }, TypeError, 'quality.runs: expected an object, got 5'],
    [
      { truth: {}, runs: { length: 0 } },
      RangeError,
      'quality.runs.length: expected a whole number from 1, got 0',
    ],
    [
      { truth: {}, runs: { length: 5, same: -1 } },
      RangeError,
      'quality.runs.same: expected points from 0 to 100',
    ],
    [{ truth: {}, models: ['m'] }, TypeError, 'quality.models: expected an object from names of models'],
    [
      { truth: {}, models: { m: { truth: {} } } },
      TypeError,
      'quality.models.m.truth: expected one of seed, ',
    ],
    [
      { truth: {}, accuracy: 0.8, noise: 0.1, models: { m: { accuracy: 0.9 } } },
      RangeError,
      'quality.models.m.noise: expected a share from 0 to 0.066666667 (two',
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
