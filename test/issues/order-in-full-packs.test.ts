import { describe, expect, it } from 'vitest'
import { collect, inNoTime, stringStream, texts } from '../helpers/collect.ts'
import { random } from '../helpers/random.ts'
import { scriptedClient, type Call } from '../helpers/scripted-client.ts'

const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A model that writes its elements one after the other, at a pace that differs between answers. */
const uneven = () => {
  const next = random(3)
  return scriptedClient(({ records }: Call) => {
    const pace = next() < 0.15 ? 400 : 40
    return {
      text: (async function* () {
        yield '{"results":['
        for (const [i, { id, text }] of records.entries()) {
          await pass(pace)
          yield `${i > 0 ? ',' : ''}${JSON.stringify({ id, value: text })}`
        }
        yield ']}'
      })(),
    }
  })
}

describe('with preserveOrder and a window that is often full', () => {
  it.each([
    ['one key', undefined, 1.1],
    ['three keys', (text: string) => `key ${Number(text.slice(5)) % 3}`, 1.2],
  ])('packs stay full: %s', async (_keys, partition, most) => {
    const client = uneven()
    const options = { preserveOrder: true, maxPackRecords: 10, maxInFlight: 4 }
    const stream = stringStream(client, { ...options, ...(partition && { partition }) })
    const outcomes = await inNoTime(() => collect(stream, texts(1_000)))
    expect(outcomes.map(({ index }) => index)).toEqual(texts(1_000).map((_, i) => i))
    expect(stream.stats.requests).toBeLessThan(100 * most)
  })
})
