import { describe, expect, test } from 'vitest'
import { PromptCache } from '../../src/simulator/prompt.ts'

/** Text with exactly this number of tokens. */
const words = (count: number, word = ' word') => word.repeat(count)

describe('PromptCache', () => {
  test('frames each part with three tokens, and the answer with three more', () => {
    expect(new PromptCache().count([words(5), words(7)])).toEqual({ tokens: 5 + 3 + 7 + 3 + 3, cached: 0 })
  })

  test.each([
    [1020, 0],
    [1024, 1024],
    [1151, 1024],
    [1152, 1152],
    [3000, 2944],
  ])('of %i common tokens, %i are cached', (common, cached) => {
    const cache = new PromptCache()
    cache.count([words(common) + words(500, ' one')])
    expect(cache.count([words(common) + words(500, ' two')]).cached).toBe(cached)
  })

  test('the same prompt again is cached up to the last step', () => {
    const cache = new PromptCache()
    expect(cache.count([words(2000)]).cached).toBe(0)
    expect(cache.count([words(2000)]).cached).toBe(1920)
  })

  test('prompts with different beginnings have no common prefix', () => {
    const cache = new PromptCache()
    cache.count([words(2000)])
    expect(cache.count([` other${words(2000)}`]).cached).toBe(0)
  })

  test('the borders between messages are part of the prefix', () => {
    const cache = new PromptCache()
    cache.count([words(600), words(600)])
    expect(cache.count([words(500), words(700)]).cached).toBe(0)
  })
})
