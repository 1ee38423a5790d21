import { PackStream, RateLimiter, type PackStreamOptions, type RateLimiterOptions } from 'llm-pack-stream'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import * as v from 'valibot'
import * as z from 'zod'
import * as mini from 'zod/mini'
import * as z3 from 'zod/v3'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { idAt } from '../../src/request/ids.ts'

const SECRET = 'sk-secret'
const schema = z.object({ label: z.enum(['a', 'b']) })
const base = { client: new OpenAI({ apiKey: SECRET }), model: 'gpt', instructions: 'Do this.', schema }

const withOption = (options: object): PackStreamOptions<string, unknown> => ({ ...base, ...options })

function errorOf(options: unknown): Error {
  try {
    new PackStream(options as PackStreamOptions<string, unknown>)
  } catch (error) {
    return error as Error
  }
  throw new Error('The options were accepted')
}

const anObject = { secret: SECRET }

describe('bad options', () => {
  const cases: [
    name: string,
    value: unknown,
    kind: typeof TypeError | typeof RangeError,
    what: string,
    got: string,
  ][] = [
    ['client', undefined, TypeError, 'an OpenAI client', 'undefined'],
    ['client', null, TypeError, 'an OpenAI client', 'null'],
    ['client', anObject, TypeError, 'an OpenAI client', 'object'],
    ['client', OpenAI, TypeError, 'an OpenAI client', 'function'],
    ['client', { chat: { completions: {} } }, TypeError, 'an OpenAI client', 'object'],
    ['client', { responses: base.client.responses }, TypeError, 'chat.completions.create', 'object'],
    ['api', null, TypeError, "'chat' or 'responses'", 'null'],
    ['api', 5, TypeError, "'chat' or 'responses'", '5 (number)'],
    ['api', 'completions', TypeError, "'chat' or 'responses'", "'completions' (string)"],
    ['api', 'toString', TypeError, "'chat' or 'responses'", "'toString' (string)"],
    ['model', undefined, TypeError, 'a non-empty string', 'undefined'],
    ['model', '', TypeError, 'a non-empty string', "''"],
    ['model', 5, TypeError, 'a non-empty string', '5 (number)'],
    ['instructions', undefined, TypeError, 'a string', 'undefined'],
    ['instructions', anObject, TypeError, 'a string', 'object'],
    ['schema', undefined, TypeError, 'a Zod 4 schema', 'undefined'],
    ['schema', null, TypeError, 'a Zod 4 schema', 'null'],
    ['schema', { type: 'object' }, TypeError, 'a Zod 4 schema', 'object'],
    ['schema', z3.object({ label: z3.string() }), TypeError, 'a Zod 4 schema', 'object'],
    ['examples', anObject, TypeError, 'an array of { record, value }', 'object'],
    ['examples', 'x', TypeError, 'an array of { record, value }', "'x' (string)"],
    ['examples[0]', [null], TypeError, '{ record, value }', 'null'],
    [
      'examples[1]',
      [{ record: 'x', value: { label: 'a' } }, 5],
      TypeError,
      '{ record, value }',
      '5 (number)',
    ],
    ['serialize', 'x', TypeError, 'a function', "'x' (string)"],
    ['serialize', null, TypeError, 'a function', 'null'],
    ['partition', 'tenant', TypeError, 'a function', "'tenant' (string)"],
    ['partition', null, TypeError, 'a function', 'null'],
    ['validate', 'strict', TypeError, 'a function', "'strict' (string)"],
    ['request', null, TypeError, 'an object', 'null'],
    ['request', 5, TypeError, 'an object', '5 (number)'],
    ['request', ['x'], TypeError, 'an object', 'array'],
    ['countTokens', 5, TypeError, 'a function', '5 (number)'],
    ['countTokens', Promise.resolve(), TypeError, 'a function', 'object'],
    // The most likely mistake: the factory instead of the counter that it promises.
    ['countTokens', () => Promise.resolve(1), TypeError, 'return a number', 'object'],
    ['countTokens', () => NaN, TypeError, 'return a number', 'NaN'],
    ['countTokens', () => '5', TypeError, 'return a number', "'5' (string)"],
    ['countTokens', () => -5, TypeError, 'return a number', '-5'],
    ['linger', '100', TypeError, 'a number of milliseconds', "'100' (string)"],
    ['linger', -1, RangeError, 'between 0 and 2,147,483,647 ms', '-1'],
    ['linger', NaN, RangeError, 'between 0 and 2,147,483,647 ms', 'NaN'],
    [
      'hoist',
      'document',
      TypeError,
      "at least one name of a field, such as ['document'], or a function",
      "'document' (string)",
    ],
    ['hoist', [], TypeError, "at least one name of a field, such as ['document'], or a function", 'array'],
    ['hoist', [''], TypeError, "at least one name of a field, such as ['document'], or a function", 'array'],
    ['mix', 1.5, RangeError, 'a positive integer', '1.5'],
    ['mix', 0, RangeError, 'a positive integer', '0'],
    ['votes', 1, RangeError, 'a whole number of at least 2', '1'],
    ['votes', 2.5, RangeError, 'a whole number of at least 2', '2.5'],
    ['votes', 'three', TypeError, 'a number of ballots', "'three' (string)"],
    ['votes.ballots', {}, TypeError, 'a whole number of at least 2', 'undefined'],
    ['votes.ballots', { ballots: Infinity }, RangeError, 'a whole number of at least 2', 'Infinity'],
    ['votes.by', { ballots: 3, by: 'label' }, TypeError, 'a function', "'label' (string)"],
    ['votes.merge', { ballots: 3, merge: 5 }, TypeError, 'a function', '5 (number)'],
    ['linger', Infinity, RangeError, 'between 0 and 2,147,483,647 ms', 'Infinity'],
    ['linger', 2 ** 31, RangeError, 'between 0 and 2,147,483,647 ms', '2147483648'],
    ...['firstTokenTimeout', 'idleTimeout', 'requestTimeout'].flatMap((name): typeof cases => [
      [name, '100', TypeError, 'a number of milliseconds', "'100' (string)"],
      [name, null, TypeError, 'a number of milliseconds', 'null'],
      [name, anObject, TypeError, 'a number of milliseconds', 'object'],
      [name, 0, RangeError, 'above 0 ms', '0'],
      [name, -1, RangeError, 'between 0 and 2,147,483,647 ms', '-1'],
      [name, NaN, RangeError, 'between 0 and 2,147,483,647 ms', 'NaN'],
      [name, -Infinity, RangeError, 'between 0 and 2,147,483,647 ms', '-Infinity'],
      [name, 2 ** 31, RangeError, 'between 0 and 2,147,483,647 ms', '2147483648'],
    ]),
    ['limiter', null, TypeError, 'a RateLimiter', 'null'],
    ['limiter', { requestsPerMinute: 5 }, TypeError, 'a RateLimiter', 'object'],
    ['limiter', RateLimiter, TypeError, 'a RateLimiter', 'function'],
    ['cache', null, TypeError, 'a store with get and set', 'null'],
    ['cache', true, TypeError, 'a store with get and set', 'boolean'],
    ['cache', `redis://user:${SECRET}@host`, TypeError, 'a store with get and set', 'string'],
    ['cache', Map, TypeError, 'a store with get and set', 'function'],
    ['cache', { get: () => SECRET }, TypeError, 'a store with get and set', 'object'],
    ['cache', new Set([SECRET]), TypeError, 'a store with get and set', 'object'],
    ['maxRejects', '5', TypeError, 'a number of records, or a share between 0 and 1', "'5' (string)"],
    ['maxRejects', -1, RangeError, 'a number of records, or a share between 0 and 1', '-1'],
    ['maxRejects', 1.5, RangeError, 'a number of records, or a share between 0 and 1', '1.5'],
    ['maxRejects', NaN, RangeError, 'a number of records, or a share between 0 and 1', 'NaN'],
    ['accepted', 'yes', TypeError, 'true or false', "'yes' (string)"],
    [
      'escalate',
      'gpt-5',
      TypeError,
      'an object, such as { model } or { maxPackRecords: 1 }',
      "'gpt-5' (string)",
    ],
    ['escalate.model', { model: '' }, TypeError, 'a non-empty string', "'' (string)"],
    ['escalate.maxPackRecords', { maxPackRecords: 0 }, RangeError, 'a positive integer', '0'],
    ['escalate.when', { model: 'n', when: true }, TypeError, 'a function', 'true (boolean)'],
    ['audit', 0.05, TypeError, 'an object', '0.05 (number)'],
    ['audit', null, TypeError, 'an object', 'null'],
    ['audit.share', {}, TypeError, 'a share from 0 to 1', 'undefined'],
    ['audit.share', { share: 2 }, RangeError, 'a share from 0 to 1', '2'],
    ['audit.margin', { share: 0.1, margin: 1 }, RangeError, 'a share from 0 to below 1', '1'],
    ['audit.guard', { share: 0.1, guard: 1 }, TypeError, 'true or false', '1 (number)'],
    ['audit.seed', { share: 0.1, seed: 0.5 }, RangeError, 'a whole number', '0.5'],
    ['audit.by', { share: 0.1, by: 'label' }, TypeError, 'a function', "'label' (string)"],
    ['maxCost', null, TypeError, 'a number of US dollars', 'null'],
    ['maxCost', '5', TypeError, 'a number of US dollars', "'5' (string)"],
    ['maxCost', 0, RangeError, 'a number above 0', '0'],
    ['maxCost', -1, RangeError, 'a number above 0', '-1'],
    ['maxCost', NaN, RangeError, 'a number above 0', 'NaN'],
    ['signal', null, TypeError, 'an AbortSignal', 'null'],
    ['signal', new AbortController(), TypeError, 'an AbortSignal', 'object'],
    ...['highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark'].flatMap((name): typeof cases => [
      [name, '16', TypeError, 'a number of objects', "'16' (string)"],
      [name, null, TypeError, 'a number of objects', 'null'],
      [name, -1, RangeError, 'a whole number of at least 0', '-1'],
      [name, 1.5, RangeError, 'a whole number of at least 0', '1.5'],
      [name, NaN, RangeError, 'a whole number of at least 0', 'NaN'],
    ]),
    ['preserveOrder', 'yes', TypeError, 'true or false', "'yes' (string)"],
    ['preserveOrder', 1, TypeError, 'true or false', '1 (number)'],
    ['pricing', 5, TypeError, 'an object', '5 (number)'],
    ['pricing', null, TypeError, 'an object', 'null'],
    ['pricing.input', { output: 1 }, TypeError, 'a number', 'undefined'],
    ['pricing.output', { input: 1 }, TypeError, 'a number', 'undefined'],
    ['pricing.output', { input: 1, output: '1' }, TypeError, 'a number', "'1' (string)"],
    ['pricing.cachedInput', { input: 1, output: 1, cachedInput: null }, TypeError, 'a number', 'null'],
    ['pricing.input', { input: -1, output: 1 }, RangeError, 'at least 0', '-1'],
    ['pricing.input', { input: NaN, output: 1 }, RangeError, 'at least 0', 'NaN'],
    ...['maxPackTokens', 'maxPackRecords', 'maxOutputTokens', 'maxInFlight', 'maxAttempts'].flatMap(
      (name): typeof cases => [
        [name, '5', TypeError, 'a positive integer', "'5' (string)"],
        [name, null, TypeError, 'a positive integer', 'null'],
        [name, anObject, TypeError, 'a positive integer', 'object'],
        [name, 0, RangeError, 'a positive integer', '0'],
        [name, -1, RangeError, 'a positive integer', '-1'],
        [name, 1.5, RangeError, 'a positive integer', '1.5'],
        [name, NaN, RangeError, 'a positive integer', 'NaN'],
        [name, Infinity, RangeError, 'a positive integer', 'Infinity'],
      ],
    ),
  ]

  it.each(cases.map(([name, value, kind, what, got]) => ({ name, value, kind, what, got })))(
    '$name must be $what, and was $got',
    ({ name, value, kind, what, got }) => {
      const option = name.replace(/[.[].*/, '')
      // `null` is a separate value here. Only `undefined` means the default.
      const error = errorOf({ ...base, [option]: value })
      expect(error.message).toContain(`\`${name}\``)
      expect(error.message).toContain(what)
      expect(error.message).toContain(`got ${got}`)
      expect(error).toBeInstanceOf(kind)
      expect(error.message).not.toContain(SECRET)
    },
  )

  const noSchema = 'a Zod 4 schema, or a Standard Schema that writes JSON Schema, got object: '
  const fromJson = 'Pass `z.fromJSONSchema(schema)` of Zod'
  it.each<[string, object, string]>([
    [
      'schema',
      z3.string(),
      `${noSchema}it is a schema of Zod 3. Import \`z\` from \`zod\` 4, or from \`zod/v4\``,
    ],
    ['schema', { type: 'object', properties: {} }, `${noSchema}it is a JSON Schema. ${fromJson}`],
    [
      'schema',
      { [Symbol.for('TypeBox.Kind')]: 'Object', type: 'object' },
      `${noSchema}it is a TypeBox schema. ${fromJson}`,
    ],
    ['schema', v.string(), `${noSchema}wrap it in \`toStandardJsonSchema()\` of \`@valibot/to-json-schema\``],
    [
      'schema',
      { '~standard': { version: 1, vendor: 'yup', validate: () => ({ value: 1 }) } },
      `${noSchema}yup writes no JSON Schema in \`~standard.jsonSchema\``,
    ],
    ['schema', { allOf: [] }, `${noSchema}it is a JSON Schema. ${fromJson}`],
    ['schema', { label: z.string(), sure: z.boolean() }, `${noSchema}put its properties into \`z.object()\``],
    ['schema', ['card', 'fee'], 'got array: for one of several labels pass `z.enum(labels)` of Zod'],
    [
      'schema',
      { type: 'json_schema', json_schema: { name: 'a', schema: {} } },
      `${noSchema}it is made from a schema. Pass that schema`,
    ],
    [
      'schema',
      { jsonSchema: {}, validate: undefined },
      `${noSchema}it is made from a schema. Pass that schema`,
    ],
    ['schema', { type: () => 0, enum: () => 0 }, 'got object'],
    ['client', OpenAI, 'got function: pass an instance, such as `new OpenAI()`'],
    [
      'client',
      { specificationVersion: 'v3', modelId: 'm', doStream: () => undefined },
      'got object: it is a model of the AI SDK. Wrap it in `fromAiSdk()` of `llm-pack-stream/ai-sdk`',
    ],
  ])('a %s of another kind gets a hint: %#', (name, value, hint) => {
    expect(errorOf({ ...base, [name]: value }).message).toSatisfy((message: string) => message.endsWith(hint))
  })

  it('schemas of zod/mini are schemas of Zod 4', () => {
    expect(resolveOptions({ ...base, schema: mini.object({ a: mini.string() }) }).format.names).toEqual(['a'])
  })

  it.each([undefined, null, 5, 'x'])('options that are not an object: %s', (options) => {
    expect(() => new PackStream(options as never)).toThrow(TypeError)
    expect(() => new PackStream(options as never)).toThrow('Expected `options` to be an object')
  })

  it('an API key instead of the client is not printed', () => {
    const { message } = errorOf({ ...base, client: SECRET })
    expect(message).toContain('`client`')
    expect(message).not.toContain(SECRET)
  })

  it('an option that does not exist is named', () => {
    expect(errorOf({ ...base, maxPackSize: 5 })).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('`maxPackSize`') as string,
    })
    expect(errorOf({ ...base, maxPackSize: 5 }).message).not.toContain('Did you mean')
    expect(errorOf({ ...base, __proto__: null, toString: 5 })).toMatchObject({ name: 'TypeError' })
  })

  it.each([
    ['maxPackRecord', 'maxPackRecords'],
    ['max_in_flight', 'maxInFlight'],
    ['serialise', 'serialize'],
    ['preserveorder', 'preserveOrder'],
  ])('an option %s gets the hint that it is %s', (misspelt, meant) => {
    const { message } = errorOf({ ...base, [misspelt]: 5 })
    expect(message).toBe(`There is no option \`${misspelt}\`. Did you mean \`${meant}\`?`)
  })

  it('also options within an option, and of other objects, get such a hint', () => {
    expect(errorOf({ ...base, pricing: { input: 1, ouput: 1 } })).toMatchObject({
      option: 'pricing.ouput',
      message: 'There is no option `pricing.ouput`. Did you mean `pricing.output`?',
    })
    const rpm = { requestPerMinute: 5 } as RateLimiterOptions
    expect(() => new RateLimiter(rpm)).toThrow('Did you mean `requestsPerMinute`?')
  })

  it.each<['chat' | 'responses', string[]]>([
    [
      'chat',
      [
        ...['model', 'messages', 'stream', 'response_format', 'n', 'max_completion_tokens', 'max_tokens'],
        ...['tools', 'tool_choice', 'functions', 'function_call'],
      ],
    ],
    [
      'responses',
      [
        ...['model', 'input', 'instructions', 'stream', 'text', 'max_output_tokens', 'background'],
        ...['previous_response_id', 'conversation', 'prompt', 'tools', 'tool_choice', 'truncation'],
        // The names in Chat Completions for the same fields.
        ...['messages', 'response_format', 'max_completion_tokens', 'max_tokens', 'n'],
      ],
    ],
  ])('`request` of the %s API may not have the fields that the stream sets itself', (api, fields) => {
    for (const field of fields) {
      const error = errorOf({ ...base, api, request: { temperature: 0, [field]: undefined } })
      expect(error, field).toBeInstanceOf(TypeError)
      expect(error.message).toContain('`request`')
      expect(error.message).toContain(`\`${field}\``)
    }
  })

  it.each([
    [{ chat: base.client.chat }, 'responses', 'responses.create'],
    [{ responses: base.client.responses }, 'chat', 'chat.completions.create'],
    [{ responses: { create: SECRET } }, 'responses', 'responses.create'],
  ])('a client without the methods of the API is named: %#', (client, api, method) => {
    const error = errorOf({ ...base, client, api })
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(`Expected \`client\` to be an OpenAI client with ${method}, got object`)
  })

  it('`maxCost` without `pricing` names `pricing`', () => {
    const error = errorOf({ ...base, maxCost: 5 })
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('`pricing`')
    expect(error.message).toContain('`maxCost`')
  })

  it.each([
    ['maxPackTokens', { maxPackTokens: 1 }, '1'],
    ['maxPackTokens', { maxPackTokens: 9, countTokens: () => 10 }, '10 tokens, got 9'],
  ])('%s must have room for the tags of one record: %j', (name, options, part) => {
    const error = errorOf(withOption(options))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toContain(`\`${name}\``)
    expect(error.message).toContain(part)
  })

  it.each(['cached', 'cached_input', 'reasoning', 'toString'])(
    'a price that does not exist is named: %s',
    (name) => {
      const error = errorOf({ ...base, pricing: { input: 1, output: 2, [name]: 1 } })
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain(`\`pricing.${name}\``)
    },
  )

  it('a schema that strict mode cannot express is named with its place', () => {
    expect(errorOf({ ...base, schema: z.object({ when: z.date() }) }).message).toMatch(/`schema`.* at when /)
  })
})

describe('examples', () => {
  it.each<[unknown, string]>([
    [{ label: 'c' }, 'examples[1].value.label'],
    [{}, 'examples[1].value.label'],
    ['a', 'examples[1].value'],
    [undefined, 'examples[1].value'],
  ])('with a value %j that does not match the schema are named', (value, at) => {
    const examples = [
      { record: 'x', value: { label: 'a' } },
      { record: 'secret record', value },
    ]
    const error = errorOf({ ...base, examples })
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(`\`${at}\``)
    expect(error.message).not.toContain('secret record')
  })

  it('with a record that does not serialize are named', () => {
    const examples = [{ record: undefined, value: { label: 'a' } }]
    expect(errorOf({ ...base, examples }).message).toContain('`serialize(examples[0].record)`')
  })

  it('with a record for which `serialize` throws are named', () => {
    const serialize = (): string => {
      throw new RangeError('from serialize')
    }
    const error = errorOf({ ...base, serialize, examples: [{ record: 'x', value: { label: 'a' } }] })
    expect(`${error.message} ${String(error.cause)}`).toContain('examples[0]')
    expect(`${error.message} ${String(error.cause)}`).toContain('from serialize')
  })

  it('have the value that the model should write, before any transform', () => {
    const codec = z.object({ n: z.string().transform(Number) })
    const { system } = resolveOptions(
      withOption({ schema: codec, examples: [{ record: 'x', value: { n: '5' } }] }),
    )
    expect(system).toContain(`{"results":[{"id":${idAt(0)},"n":"5"}]}`)
  })

  it('are serialized like records', () => {
    const examples = [{ record: 'x', value: { label: 'a' } }]
    const { system } = resolveOptions(withOption({ examples, serialize: (record: string) => `<${record}>` }))
    expect(system).toContain(`<record id="${idAt(0)}"><x></record>`)
  })
})

/** All optional options: the default of the README, and another good value. */
const optional: Record<
  Exclude<keyof PackStreamOptions<string, unknown>, 'client' | 'model' | 'instructions' | 'schema'>,
  { byDefault?: unknown; good: readonly unknown[] }
> = {
  api: { good: ['chat', 'responses'] },
  output: { byDefault: 'json_schema', good: ['json_object', 'text'] },
  examples: { good: [[]] },
  serialize: { good: [String] },
  partition: { byDefault: undefined, good: [(record: string) => record] },
  hoist: { good: [['document'], (record: string) => ({ record })] },
  validate: { good: [() => true] },
  votes: { good: [2, 3, { ballots: 2 }, { ballots: 5, by: String, merge: () => 'x' }] },
  escalate: { good: [{ request: { seed: 1 } }, { maxPackRecords: 1, when: () => true }] },
  request: { byDefault: {}, good: [{ temperature: 0, stream_options: {} }] },
  maxPackTokens: { byDefault: 4_000, good: [100] },
  maxPackRecords: { byDefault: 25, good: [1] },
  maxOutputTokens: { byDefault: undefined, good: [1] },
  countTokens: { good: [(text: string) => text.length] },
  linger: { byDefault: 100, good: [0, 0.5, 2 ** 31 - 1] },
  mix: { byDefault: 0, good: [1, 1_000] },
  maxInFlight: { byDefault: 4, good: [1] },
  limiter: { good: [new RateLimiter({ requestsPerMinute: 5 })] },
  maxAttempts: { byDefault: 4, good: [1] },
  firstTokenTimeout: { byDefault: 120_000, good: [0.5, 2 ** 31 - 1, Infinity] },
  idleTimeout: { byDefault: 60_000, good: [0.5, 2 ** 31 - 1, Infinity] },
  requestTimeout: { byDefault: 600_000, good: [0.5, 2 ** 31 - 1, Infinity] },
  preserveOrder: { byDefault: false, good: [true] },
  cache: { good: [new Map(), { get: () => undefined, set: () => undefined }] },
  pricing: {
    byDefault: undefined,
    good: [
      { input: 0, output: 0 },
      { input: 1, cachedInput: 0.5, output: 2 },
    ],
  },
  maxRejects: { byDefault: Infinity, good: [0, 0.05, 1, 20, Infinity] },
  accepted: { byDefault: false, good: [true, false] },
  audit: { good: [{ share: 0 }, { share: 1, margin: 0, guard: true, seed: 7, by: () => 1 }] },
  maxCost: { byDefault: Infinity, good: [0.01, Infinity] },
  signal: { good: [new AbortController().signal] },
  highWaterMark: { good: [0, 5] },
  writableHighWaterMark: { good: [0, 5] },
  readableHighWaterMark: { good: [0, 5] },
}
const names = Object.entries(optional).map(([name, { byDefault, good }]) => ({ name, byDefault, good }))

/** The resolved value of an option that keeps its name. */
function resolved(options: object, name: string): unknown {
  const all = resolveOptions(withOption(options))
  return { ...all, ...all.timeouts }[name as keyof typeof all]
}

describe('good options', () => {
  it.each(names.filter(({ name }) => 'byDefault' in optional[name as keyof typeof optional]))(
    '$name: the default is $byDefault, and a given value is kept',
    ({ name, byDefault, good }) => {
      const pricing = { input: 1, output: 1 }
      expect(resolved({}, name)).toEqual(byDefault)
      expect(resolved({ [name]: undefined }, name)).toEqual(byDefault)
      for (const value of good) expect(resolved({ pricing, [name]: value }, name)).toBe(value)
    },
  )

  it.each(names)('$name may be undefined, which means the default', ({ name, good }) => {
    const pricing = { input: 1, output: 1 }
    for (const value of [undefined, ...good]) {
      expect(() => new PackStream(withOption({ pricing, [name]: value }))).not.toThrow()
    }
  })

  it('the limiter is the given limiter; without a limiter each stream makes its own', () => {
    expect(resolved({}, 'limiter')).toBeUndefined()
    const limiter = new RateLimiter()
    expect(resolved({ limiter }, 'limiter')).toBe(limiter)
  })

  it('the API is Chat Completions by default', () => {
    expect(resolved({}, 'apiName')).toBe('chat')
    expect(resolved({ api: 'responses' }, 'apiName')).toBe('responses')
    // The two APIs have different fields.
    const request: object = { truncation: 'auto' }
    expect(() => resolveOptions(withOption({ request }))).not.toThrow()
    expect(() => resolveOptions(withOption({ api: 'responses', request }))).toThrow('`truncation`')
  })

  it('there is no cache by default', () => {
    expect(resolved({}, 'cache')).toBeUndefined()
    expect(resolved({ cache: new Map() }, 'cache')).toBeDefined()
  })

  it('strings are sent unchanged, other values as JSON, and a value that JSON cannot express is not text', () => {
    const { serialize } = resolveOptions(withOption({}) as PackStreamOptions<unknown, unknown>)
    expect(serialize('a"b')).toBe('a"b')
    expect(serialize({ a: 1 })).toBe('{"a":1}')
    expect(serialize(null)).toBe('null')
    expect(serialize(undefined)).toBeUndefined()
    expect(() => serialize(1n)).toThrow(TypeError)
  })

  it('every object with `chat.completions.create` is a client', () => {
    const client = { chat: { completions: { create: () => Promise.reject(new Error('unused')) } } }
    expect(resolveOptions(withOption({ client })).client).toBe(client)
  })

  it('every object with `responses.create` is a client of the Responses API', () => {
    const client = { responses: { create: () => Promise.reject(new Error('unused')) } }
    expect(resolveOptions(withOption({ client, api: 'responses' })).client).toBe(client)
  })

  it('high-water marks and the signal are passed to Node', () => {
    const stream = new PackStream(
      withOption({ readableHighWaterMark: 3, writableHighWaterMark: 5, signal: AbortSignal.abort() }),
    )
    stream.on('error', () => undefined)
    expect(stream.readableHighWaterMark).toBe(3)
    expect(stream.writableHighWaterMark).toBe(5)
    expect(stream.readableObjectMode && stream.writableObjectMode).toBe(true)
  })
})
