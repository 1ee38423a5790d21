import { inspect } from 'node:util'
import { OWN_FIELDS } from './chat.ts'
import type { PackStreamOptions, Resolved } from './options.ts'
import { frame, systemMessage, type Example } from './prompt.ts'
import { resultFormat, type ResultFormat } from './schema.ts'
import type { Pricing } from './stats.ts'
import { TokenEstimator } from './tokens.ts'

const NAMES: Record<keyof PackStreamOptions<unknown, unknown>, true> = {
  client: true,
  model: true,
  instructions: true,
  schema: true,
  examples: true,
  serialize: true,
  request: true,
  maxPackTokens: true,
  maxPackRecords: true,
  maxOutputTokens: true,
  countTokens: true,
  linger: true,
  maxInFlight: true,
  maxAttempts: true,
  preserveOrder: true,
  pricing: true,
  signal: true,
  highWaterMark: true,
  writableHighWaterMark: true,
  readableHighWaterMark: true,
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError | RangeError} Naming the option, what it should be, and what it is.
 */
export function resolveOptions<R, T>(options: PackStreamOptions<R, T>): Resolved<R, T> {
  if (!isPlainObject(options)) throw expected('options', 'an object', options)
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name))
  if (unknown !== undefined) throw new TypeError(`There is no option \`${unknown}\``)

  const { client, model, instructions, schema, examples = [], request = {} } = options
  // What the types promise, a caller in JavaScript may not keep.
  const loose = options as { client?: { chat?: { completions?: { create?: unknown } } } }
  if (typeof loose.client?.chat?.completions?.create !== 'function') {
    // Not what it is: it may be a key.
    throw new TypeError(`Expected \`client\` to be an OpenAI client, got ${kindOf(client)}`)
  }
  if (typeof model !== 'string' || model === '') throw expected('model', 'a non-empty string', model)
  if (typeof instructions !== 'string') throw expected('instructions', 'a string', instructions)
  if (typeof (schema as { _zod?: unknown } | undefined)?._zod !== 'object') {
    throw expected('schema', 'a Zod 4 schema', schema)
  }
  if (!Array.isArray(examples)) throw expected('examples', 'an array of { record, value }', examples)
  if (!isPlainObject(request)) throw expected('request', 'an object', request)
  const own = OWN_FIELDS.find((field) => field in request)
  if (own !== undefined) {
    throw new TypeError(`Expected \`request\` not to have \`${own}\`, which the stream decides itself`)
  }

  const { signal } = options
  if (
    signal !== undefined &&
    !(kindOf(signal) === 'object' && typeof (signal as Partial<AbortSignal>).addEventListener === 'function')
  ) {
    throw expected('signal', 'an AbortSignal', signal)
  }
  for (const name of ['highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark'] as const) {
    const value = options[name]
    if (value === undefined) continue
    if (typeof value !== 'number') throw expected(name, 'a number of objects', value)
    if (!Number.isInteger(value) || value < 0) throw outOfRange(name, 'a whole number of at least 0', value)
  }

  const serialize = optionalFunction('serialize', options.serialize) ?? serializeByDefault
  const format = resultFormat(schema)
  const system = systemMessage(instructions, format, serializeExamples(examples, serialize, format))
  const estimator = new TokenEstimator(Buffer.byteLength(system + JSON.stringify(format.jsonSchema)))
  const maxPackRecords = positiveInteger('maxPackRecords', options.maxPackRecords, 25)
  const maxPackTokens = positiveInteger('maxPackTokens', options.maxPackTokens, 4_000)
  const countTokens = optionalFunction('countTokens', options.countTokens)
  const weigh = (text: string): number =>
    countTokens ? countTokens(frame(text, maxPackRecords)) : estimator.record(text)
  let smallest: unknown
  try {
    smallest = weigh('')
  } catch (cause) {
    throw new TypeError('`countTokens` threw for the tags of an empty record', { cause })
  }
  if (typeof smallest !== 'number' || !(smallest >= 0)) {
    throw new TypeError(`Expected \`countTokens\` to return a number of tokens, got ${show(smallest)}`)
  }
  if (smallest > maxPackTokens) {
    throw new RangeError(
      `Expected \`maxPackTokens\` to have room for at least the tags of one record, ${smallest} tokens, got ${maxPackTokens}`,
    )
  }
  return {
    client,
    model,
    serialize,
    request,
    format,
    system,
    maxPackTokens,
    maxPackRecords,
    maxOutputTokens: positiveInteger('maxOutputTokens', options.maxOutputTokens, undefined),
    weigh,
    estimator,
    linger: duration('linger', options.linger, 100),
    maxInFlight: positiveInteger('maxInFlight', options.maxInFlight, 4),
    maxAttempts: positiveInteger('maxAttempts', options.maxAttempts, 4),
    preserveOrder: boolean('preserveOrder', options.preserveOrder, false),
    pricing: options.pricing === undefined ? undefined : checkPricing(options.pricing),
  }
}

function serializeByDefault(record: unknown): string {
  // `undefined` for what JSON does not know; then not a string, which rejects the record.
  return typeof record === 'string' ? record : JSON.stringify(record)
}

function serializeExamples<R>(
  examples: readonly Example<R>[],
  serialize: (record: R) => string,
  format: ResultFormat<unknown>,
): { text: string; value: unknown }[] {
  return examples.map((example: Example<R>, i) => {
    if (!isPlainObject(example)) throw expected(`examples[${i}]`, 'an object { record, value }', example)
    const { record, value } = example
    const checked = format.check(value)
    if ('issues' in checked) {
      const [issue] = checked.issues
      const at = ['value', ...(issue?.path ?? []).map(String)].join('.')
      throw new TypeError(`Expected \`examples[${i}].${at}\` to match \`schema\`: ${issue?.message ?? ''}`)
    }
    let text: unknown
    try {
      text = serialize(record)
    } catch (cause) {
      throw new TypeError(`\`serialize\` threw for \`examples[${i}].record\``, { cause })
    }
    if (typeof text !== 'string') throw expected(`serialize(examples[${i}].record)`, 'a string', text)
    const missing = format.names.find((name) => !Object.hasOwn(value as object, name))
    if (missing !== undefined) {
      throw new TypeError(
        `Expected \`examples[${i}].value\` to have every property of \`schema\`, but ${missing} is missing`,
      )
    }
    return { text, value }
  })
}

function checkPricing(pricing: Pricing): Pricing {
  if (!isPlainObject(pricing)) throw expected('pricing', 'an object', pricing)
  for (const name of ['input', 'cachedInput', 'output'] as const) {
    const price = pricing[name]
    if (price === undefined && name === 'cachedInput') continue
    if (typeof price !== 'number') throw expected(`pricing.${name}`, 'a number', price)
    if (!(price >= 0 && price < Infinity))
      throw outOfRange(`pricing.${name}`, 'a number of at least 0', price)
  }
  return pricing
}

function positiveInteger<D extends number | undefined>(
  name: string,
  value: unknown,
  byDefault: D,
): number | D {
  if (value === undefined) return byDefault
  if (typeof value !== 'number') throw expected(name, 'a positive integer', value)
  if (!Number.isSafeInteger(value) || value < 1) throw outOfRange(name, 'a positive integer', value)
  return value
}

function duration(name: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault
  if (typeof value !== 'number') throw expected(name, 'a number of milliseconds', value)
  // The longest that Node's timers can wait.
  if (!(value >= 0 && value <= 2 ** 31 - 1)) throw outOfRange(name, 'between 0 and 2,147,483,647 ms', value)
  return value
}

function boolean(name: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (typeof value !== 'boolean') throw expected(name, 'true or false', value)
  return value
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function type
function optionalFunction<F extends (...args: any[]) => unknown>(
  name: string,
  value: F | undefined,
): F | undefined {
  if (value !== undefined && typeof value !== 'function') throw expected(name, 'a function', value)
  return value
}

function expected(name: string, what: string, got: unknown): TypeError {
  return new TypeError(`Expected \`${name}\` to be ${what}, got ${show(got)}`)
}

function outOfRange(name: string, what: string, got: number): RangeError {
  return new RangeError(`Expected \`${name}\` to be ${what}, got ${show(got)}`)
}

function isPlainObject(value: unknown): boolean {
  return kindOf(value) === 'object'
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

function show(value: unknown): string {
  // Not what is in an object: it may hold a key.
  const isPrimitive = value !== null && typeof value !== 'object' && typeof value !== 'function'
  return isPrimitive ? `${inspect(value)} (${typeof value})` : kindOf(value)
}
