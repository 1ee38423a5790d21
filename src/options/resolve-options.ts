import { apis } from '../api/apis.ts'
import { addressOf, hasMethod } from '../api/client.ts'
import { outputModes } from '../api/request-form.ts'
import {
  boolean,
  duration,
  expected,
  finite,
  isPlainObject,
  kindOf,
  knownOptions,
  optionalFunction,
  outOfRange,
  positiveInteger,
  show,
  timeout,
  withOption,
} from '../base/option-checks.ts'
import { auditRules } from './audit.ts'
import { defaults } from './defaults.ts'
import { secondStep } from './escalate.ts'
import { hoistRules } from './hoist.ts'
import { clientHint, schemaHint } from './hints.ts'
import type { PackStreamOptions, Resolved } from './options.ts'
import { checkVotes, mixFor } from './votes.ts'
import { windowOf } from '../packing/window.ts'
import { systemMessage, type Example, type ShownExample } from '../request/prompt.ts'
import { RateLimiter } from '../limits/rate-limiter.ts'
import type { CacheStore } from '../cache/result-cache.ts'
import { resultFormat, type ResultFormat } from '../request/result-format.ts'
import { isUserSchema } from '../request/user-schema.ts'
import { bytesError } from '../record/bytes.ts'
import { RecordError, wordFor } from '../record/errors.ts'
import type { Pricing } from '../accounts/stats.ts'
import { Learning } from '../learning/learning.ts'

const NAMES: Record<keyof PackStreamOptions<unknown, unknown>, true> = {
  client: true,
  api: true,
  output: true,
  model: true,
  instructions: true,
  schema: true,
  examples: true,
  serialize: true,
  partition: true,
  hoist: true,
  validate: true,
  votes: true,
  escalate: true,
  request: true,
  maxPackTokens: true,
  maxPackRecords: true,
  maxOutputTokens: true,
  countTokens: true,
  linger: true,
  mix: true,
  maxInFlight: true,
  limiter: true,
  maxAttempts: true,
  firstTokenTimeout: true,
  idleTimeout: true,
  requestTimeout: true,
  preserveOrder: true,
  cache: true,
  pricing: true,
  maxCost: true,
  maxRejects: true,
  accepted: true,
  audit: true,
  signal: true,
  highWaterMark: true,
  writableHighWaterMark: true,
  readableHighWaterMark: true,
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError | RangeError} The message names the option, the expected value and the given
 *   value.
 */
export function resolveOptions<R, T>(options: PackStreamOptions<R, T>): Resolved<R, T> {
  knownOptions(options, NAMES)

  const { client, api: apiName = defaults.api, model, instructions, schema } = options
  const { examples = [], request = {} } = options
  if (typeof apiName !== 'string' || !Object.hasOwn(apis, apiName)) {
    throw expected('api', "'chat' or 'responses'", apiName)
  }
  const api = apis[apiName]
  const { output = defaults.output } = options
  if (!outputModes.includes(output)) {
    throw expected('output', "'json_schema', 'json_object' or 'text'", output)
  }
  if (!hasMethod(client, api.method)) {
    // The message must not show the value, because it may be a key.
    throw withOption(
      'client',
      new TypeError(
        `Expected \`client\` to be an OpenAI client with ${api.method}, got ${kindOf(client)}${clientHint(client)}`,
      ),
    )
  }
  if (typeof model !== 'string' || model === '') throw expected('model', 'a non-empty string', model)
  if (typeof instructions !== 'string') throw expected('instructions', 'a string', instructions)
  if (!isUserSchema(schema)) {
    const what = 'a Zod 4 schema, or a Standard Schema that writes JSON Schema'
    throw expected('schema', what, schema, schemaHint(schema))
  }
  if (!Array.isArray(examples)) throw expected('examples', 'an array of { record, value }', examples)
  if (!isPlainObject(request)) throw expected('request', 'an object', request)
  const own = api.ownFields.find((field) => field in request)
  if (own !== undefined) {
    throw withOption(
      'request',
      new TypeError(`Expected \`request\` not to have \`${own}\`, which the stream decides itself`),
    )
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

  const serializeWhole = optionalFunction('serialize', options.serialize) ?? serializeByDefault
  const rules = hoistRules(options.hoist, serializeWhole)
  const format = resultFormat(schema)
  const issuesOf = checkerOf(optionalFunction('validate', options.validate))
  const shown = serializeExamples(examples, rules, format, issuesOf)
  const system = systemMessage(instructions, format, shown, options.hoist !== undefined)
  const maxPackRecords = positiveInteger('maxPackRecords', options.maxPackRecords, defaults.maxPackRecords)
  const votes = checkVotes(options.votes)
  const mix = positiveInteger('mix', options.mix, mixFor(votes, maxPackRecords))
  const maxInFlight = positiveInteger('maxInFlight', options.maxInFlight, defaults.maxInFlight)
  const maxPackTokens = positiveInteger('maxPackTokens', options.maxPackTokens, defaults.maxPackTokens)
  const countTokens = optionalFunction('countTokens', options.countTokens)
  const maxOutputTokens = positiveInteger('maxOutputTokens', options.maxOutputTokens, undefined)
  const limits = { maxPackTokens, maxPackRecords, maxOutputTokens }
  const learning = { system, examples: examples.length, format, countTokens, ...limits }
  let smallest: unknown
  try {
    smallest = new Learning(learning).weigh('')
  } catch (cause) {
    throw withOption(
      'countTokens',
      new TypeError('`countTokens` threw for the tags of an empty record', { cause }),
    )
  }
  if (typeof smallest !== 'number' || !(smallest >= 0)) {
    throw withOption(
      'countTokens',
      new TypeError(`Expected \`countTokens\` to return a number of tokens, got ${show(smallest)}`),
    )
  }
  if (smallest > maxPackTokens) {
    throw withOption(
      'maxPackTokens',
      new RangeError(
        `Expected \`maxPackTokens\` to have room for at least the tags of one record, ${smallest} tokens, got ${maxPackTokens}`,
      ),
    )
  }
  const escalate = secondStep(options, resolveOptions)
  return {
    client,
    apiName,
    api,
    output,
    model,
    ...rules,
    partition: optionalFunction('partition', options.partition),
    issuesOf,
    votes,
    escalate,
    request,
    ...learning,
    format,
    linger: duration('linger', options.linger, defaults.linger),
    mix,
    maxInFlight,
    window: windowOf(maxInFlight, maxPackRecords, mix),
    limiter: checkLimiter(options.limiter),
    maxAttempts: positiveInteger('maxAttempts', options.maxAttempts, defaults.maxAttempts),
    timeouts: {
      firstTokenTimeout: timeout('firstTokenTimeout', options.firstTokenTimeout, defaults.firstTokenTimeout),
      idleTimeout: timeout('idleTimeout', options.idleTimeout, defaults.idleTimeout),
      requestTimeout: timeout('requestTimeout', options.requestTimeout, defaults.requestTimeout),
    },
    preserveOrder: boolean('preserveOrder', options.preserveOrder, false),
    cache: checkCache(options.cache),
    identity: [1, ...addressOf(client), apiName, model, system, format.jsonSchema, request].concat(
      output === defaults.output ? [] : [output],
      votes ? ['votes', votes.ballots] : [],
      escalate ? ['escalate', escalate.options.identity] : [],
    ),
    pricing: options.pricing === undefined ? undefined : checkPricing(options.pricing),
    maxCost: checkMaxCost(options.maxCost, options.pricing),
    maxRejects: checkMaxRejects(options.maxRejects),
    accepted: boolean('accepted', options.accepted, false),
    audit: options.audit === undefined ? undefined : auditRules(options.audit, votes?.by),
  }
}

function serializeByDefault(record: unknown): string {
  const error = bytesError(record)
  if (error) throw error
  // `JSON.stringify` returns `undefined` for some values, such as functions. Then the result is not
  // a string, and the record is rejected.
  return typeof record === 'string' ? record : JSON.stringify(record)
}

/** Checks values by the user's `validate`. */
function checkerOf<R, T>(
  validate: ((record: R, value: T) => true | string) | undefined,
): Resolved<R, T>['issuesOf'] {
  if (!validate) return undefined
  return (record, value) => {
    let verdict: true | string
    try {
      verdict = validate(record, value as T)
    } catch (error) {
      return [{ path: [], message: `\`validate\` threw ${wordFor(error)}` }]
    }
    if (verdict === true) return undefined
    if (typeof verdict === 'string') return [{ path: [], message: verdict }]
    // Another value is an error of the program. It would reject each record after all attempts.
    throw withOption(
      'validate',
      new TypeError(`Expected \`validate\` to return true or a string, got ${show(verdict)}`),
    )
  }
}

function serializeExamples<R>(
  examples: readonly Example<R>[],
  { serialize, hoist }: Pick<Resolved<R, unknown>, 'serialize' | 'hoist'>,
  format: ResultFormat<unknown>,
  issuesOf: Resolved<R, unknown>['issuesOf'],
): ShownExample[] {
  return examples.map((example: Example<R>, i) => {
    if (!isPlainObject(example)) throw expected(`examples[${i}]`, 'an object { record, value }', example)
    const { record, value } = example
    const checked = format.check(value)
    const issues = 'issues' in checked ? checked.issues : issuesOf?.(record, checked.value)
    if (issues) {
      const [issue] = issues
      const at = ['value', ...(issue?.path ?? []).map(String)].join('.')
      throw withOption(
        'examples',
        new TypeError(
          `Expected \`examples[${i}].${at}\` to match \`${'issues' in checked ? 'schema' : 'validate'}\`: ${issue?.message ?? ''}`,
        ),
      )
    }
    let shared: ShownExample['shared']
    try {
      shared = hoist?.(record) ?? []
    } catch (cause) {
      const why = cause instanceof RecordError ? `: ${cause.message}` : ''
      throw withOption(
        'hoist',
        new TypeError(`\`hoist\` threw for \`examples[${i}].record\`${why}`, { cause }),
      )
    }
    let text: unknown
    try {
      text = serialize(record)
    } catch (cause) {
      throw withOption(
        'serialize',
        new TypeError(`\`serialize\` threw for \`examples[${i}].record\``, { cause }),
      )
    }
    if (typeof text !== 'string') throw expected(`serialize(examples[${i}].record)`, 'a string', text)
    const missing = format.names.find((name) => !Object.hasOwn(value as object, name))
    if (missing !== undefined) {
      throw withOption(
        'examples',
        new TypeError(
          `Expected \`examples[${i}].value\` to have every property of \`schema\`, but ${missing} is missing`,
        ),
      )
    }
    return { text, value, shared }
  })
}

function checkPricing(pricing: Pricing): Pricing {
  knownOptions(pricing, { input: true, cachedInput: true, output: true }, 'pricing')
  for (const name of ['input', 'cachedInput', 'output'] as const) {
    const price = finite(`pricing.${name}`, pricing[name], 0)
    if (price === undefined && name !== 'cachedInput') throw expected(`pricing.${name}`, 'a number', price)
  }
  return pricing
}

function checkMaxCost(maxCost: unknown, pricing: unknown): number {
  if (maxCost === undefined) return Infinity
  if (typeof maxCost !== 'number') throw expected('maxCost', 'a number of US dollars', maxCost)
  if (!(maxCost > 0)) throw outOfRange('maxCost', 'a number above 0', maxCost)
  if (pricing === undefined)
    throw withOption('maxCost', new TypeError('Expected `pricing` with `maxCost`, got only `maxCost`'))
  return maxCost
}

function checkMaxRejects(maxRejects: unknown): number {
  const what = 'a number of records, or a share between 0 and 1'
  if (maxRejects === undefined) return Infinity
  if (typeof maxRejects !== 'number') throw expected('maxRejects', what, maxRejects)
  const isGood = Number.isInteger(maxRejects) || maxRejects < 1 || maxRejects === Infinity
  if (!(maxRejects >= 0 && isGood)) throw outOfRange('maxRejects', what, maxRejects)
  return maxRejects
}

function checkCache(cache: unknown): CacheStore | undefined {
  if (cache === undefined) return undefined
  const { get, set } = (cache ?? {}) as Partial<CacheStore>
  if (typeof get === 'function' && typeof set === 'function') return cache as CacheStore
  // The message must not show the value, because it may be an address with a password.
  throw withOption(
    'cache',
    new TypeError(
      `Expected \`cache\` to be a store with get and set, such as a Map or a Keyv, got ${kindOf(cache)}`,
    ),
  )
}

function checkLimiter(limiter: unknown): RateLimiter | undefined {
  if (limiter === undefined || limiter instanceof RateLimiter) return limiter
  throw expected('limiter', 'a RateLimiter', limiter)
}
