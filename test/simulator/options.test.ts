import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'

describe('bad options', () => {
  test.each<[unknown, ErrorConstructor, string]>([
    [null, TypeError, 'options: expected an object, got null'],
    [
      { limit: {} },
      TypeError,
      'limit: expected one of port, latency, limits, apiKey, contextTokens, reasoning, faults, quality',
    ],
    [{ port: '80' }, TypeError, "port: expected a port from 0 to 65535, got '80'"],
    [{ port: 70_000 }, RangeError, 'port: expected a port from 0 to 65535, got 70000'],
    [{ latency: 5 }, TypeError, 'latency: expected an object, got 5'],
    [{ latency: { ttft: 5 } }, TypeError, 'latency.ttft: expected one of timeToFirstToken, '],
    [
      { latency: { timeToFirstToken: -1 } },
      RangeError,
      'latency.timeToFirstToken: expected milliseconds from 0, got -1',
    ],
    [{ latency: { timeToFirstToken: Infinity } }, RangeError, 'latency.timeToFirstToken'],
    [{ latency: { promptTokensPerSecond: 0 } }, RangeError, 'latency.promptTokensPerSecond'],
    [{ latency: { outputTokensPerSecond: NaN } }, RangeError, 'latency.outputTokensPerSecond'],
    [{ latency: { slowdown: Infinity } }, RangeError, 'latency.slowdown: expected a number from 0'],
    [
      { limits: { requestsPerMinute: 0 } },
      RangeError,
      'limits.requestsPerMinute: expected a whole number from 1, got 0',
    ],
    [{ limits: { tokensPerMinute: 1.5 } }, RangeError, 'limits.tokensPerMinute'],
    [{ apiKey: '' }, TypeError, "apiKey: expected a text that is not empty, got ''"],
    [{ apiKey: Symbol('k') }, TypeError, 'apiKey: expected a text that is not empty, got Symbol(k)'],
    [{ faults: 1 }, TypeError, 'faults: expected an object, got 1'],
    [{ faults: { rate: {} } }, TypeError, 'faults.rate: expected one of seed, rates, poison, chunks'],
    [{ faults: { seed: 0.5 } }, RangeError, 'faults.seed: expected a whole number, got 0.5'],
    [{ faults: { seed: '1' } }, TypeError, "faults.seed: expected a whole number, got '1'"],
    [{ faults: { chunks: 'big' } }, TypeError, "faults.chunks: expected 'tokens' or 'random', got 'big'"],
    [{ faults: { rates: { reset: 1 } } }, TypeError, 'faults.rates.reset: expected one of rate_limit, '],
    [
      { faults: { rates: { cut: 1.5 } } },
      RangeError,
      'faults.rates.cut: expected a share from 0 to 1, got 1.5',
    ],
    [{ faults: { rates: { cut: NaN } } }, RangeError, 'faults.rates.cut'],
    [
      { faults: { rates: { cut: 0.5, html: 0.75 } } },
      RangeError,
      'faults.rates: expected shares that are together at most 1, got 1.25',
    ],
    [{ faults: { poison: { cut: /x/ } } }, TypeError, 'faults.poison.cut: expected one of context, '],
    [
      { faults: { poison: { refusal: 'x' } } },
      TypeError,
      "faults.poison.refusal: expected a RegExp, got 'x'",
    ],
    [{ reasoning: 5 }, TypeError, 'reasoning: expected an object, got 5'],
    [
      { reasoning: { perRecord: -1 } },
      RangeError,
      'reasoning.perRecord: expected a whole number from 0, got -1',
    ],
    [{ contextTokens: true }, TypeError, 'contextTokens: expected a whole number from 1, got true'],
  ])('%j', async (options, type, message) => {
    const error: unknown = await startSimulator(options as object).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(type)
    expect(String(error)).toContain(message)
  })
})
