import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { packAll } from '../src/index.ts'
import { openCache } from '../src/sqlite-cache.ts'
import { echo, scriptedClient } from './helpers/scripted-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
const cacheIn = (name: string): string => join(folder, name)
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('a cache in an SQLite file', () => {
  it('keeps the results of a stream for the next stream', async () => {
    const file = cacheIn('results.sqlite')
    const asked: number[] = []
    for (const records of [
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]) {
      using cache = await openCache(file)
      const client = scriptedClient(echo)
      const outcomes = await packAll(records, {
        client,
        model: 'm',
        instructions: '',
        schema: z.string(),
        cache,
      })
      expect(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value)).toEqual(records)
      asked.push(client.calls.flatMap((call) => call.records).length)
    }
    expect(asked).toEqual([2, 1])
  })

  it('may be open several times, and each sees what the others write', async () => {
    const file = cacheIn('shared.sqlite')
    const caches = await Promise.all([openCache(file), openCache(file), openCache(file)])
    caches.forEach((cache, i) => {
      cache.set(`key ${i}`, `value ${i}`)
    })
    caches[0].set('key 1', 'another')
    for (const cache of caches) {
      expect(['key 0', 'key 1', 'key 2', 'key 3'].map((key) => cache.get(key))).toEqual([
        ...['value 0', 'another', 'value 2'],
        undefined,
      ])
      cache.close()
    }
  })

  it('may be closed twice, and is not used after that', async () => {
    const cache = await openCache(cacheIn('closed.sqlite'))
    cache.close()
    cache.close()
    expect(() => cache.get('key')).toThrow()
    expect(() => {
      cache.set('key', 'value')
    }).toThrow()
  })

  it.each([
    ['text.sqlite', 'file is not a database'],
    ['absent/cache.sqlite', 'unable to open database file'],
  ])('names a file that is no cache, and leaves it as it was: %s', async (name, why) => {
    if (!name.includes('/')) writeFileSync(cacheIn(name), 'my notes\n'.repeat(200))
    const file = cacheIn(name)
    await expect(openCache(file)).rejects.toThrow(`openCache: ${file}: ${why}`)
  })
})
