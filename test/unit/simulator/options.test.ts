import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'

describe('bad options', () => {
  test.each<[unknown, ErrorConstructor, string]>([
    [null, TypeError, 'options: expected an object, got null'],
    [{ limit: {} }, TypeError, 'limit: expected one of port, latency, limits, apiKey, contextTokens'],
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
    [{ contextTokens: true }, TypeError, 'contextTokens: expected a whole number from 1, got true'],
  ])('%j', async (options, type, message) => {
    const error: unknown = await startSimulator(options as object).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(type)
    expect(String(error)).toContain(message)
  })
})
