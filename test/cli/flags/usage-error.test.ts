import { describe, expect, test } from 'vitest'
import { PackStream, RateLimiter } from 'llm-pack-stream'
import { readRows } from 'llm-pack-stream/readers'
import { startSimulator } from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { asUsageError, inFlags, UsageError, withFlags } from '../../../src/cli/flags/usage-error.ts'

const client = { chat: { completions: { create: () => Promise.reject(new Error()) } } }
const stream = (options: object) => () =>
  new PackStream({ client, model: 'm', instructions: '', schema: z.string(), ...options })

describe('the error of a bad option names the option, and the command line turns the name into a flag', () => {
  test.each<[string, () => unknown, ErrorConstructor, string]>([
    [
      'maxPackTokens',
      stream({ maxPackTokens: 0 }),
      RangeError,
      'Expected --max-pack-tokens to be a positive',
    ],
    ['api', stream({ api: 'x' }), TypeError, 'Expected --api to be '],
    ['linger', stream({ linger: -1 }), RangeError, 'Expected --linger to be between 0 and'],
    ['request', stream({ request: { stream: false } }), TypeError, 'Expected --request not to have `stream`'],
    ['schema', stream({ schema: z.date() }), TypeError, 'Expected --schema to be expressible'],
    [
      'examples',
      stream({ examples: [{ record: '', value: 1 }] }),
      TypeError,
      '--examples: Expected `examples[0]',
    ],
    ['pricing.input', stream({ pricing: { input: -1, output: 1 } }), RangeError, 'Expected --price-in to be'],
    ['countTokens', stream({ countTokens: () => NaN }), TypeError, 'Expected --count-tokens to return'],
    ['tokensPerMinute', () => new RateLimiter({ tokensPerMinute: 0 }), RangeError, 'Expected --tpm to be'],
    [
      'maxRecordBytes',
      () => readRows([], { maxRecordBytes: 0 }),
      RangeError,
      'Expected --max-record-bytes to',
    ],
  ])('%s', (option, make, kind, message) => {
    expect(make).toThrow(kind)
    expect(make).toThrow(expect.objectContaining({ option }))
    expect(() => inFlags(make)).toThrow(UsageError)
    expect(() => inFlags(make)).toThrow(message)
  })

  test.each<[string, object, string]>([
    ['port', { port: -1 }, '--port: expected a port from 0'],
    ['latency.slowdown', { latency: { slowdown: -1 } }, '--slowdown: expected'],
    ['faults.seed', { faults: { seed: 0.5 } }, '--fault-seed: expected a whole number'],
    ['limits.requestsPerMinute', { limits: { requestsPerMinute: 0 } }, '--rpm: expected a whole number'],
  ])('of the simulator: %s', async (option, options, message) => {
    const error: unknown = await startSimulator(options).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ option })
    expect((asUsageError(error) as UsageError).message).toContain(message)
  })

  test('any other error stays the same', () => {
    const error = new TypeError('`maxPackTokens` is not a function')
    expect(asUsageError(error)).toBe(error)
  })

  test('an error that ends a stream names flags, but quotes the server unchanged', () => {
    expect(withFlags('check `model` and `client.baseURL`. The server said: "no `tools`"')).toBe(
      'check --model and OPENAI_BASE_URL. The server said: "no `tools`"',
    )
  })
})
