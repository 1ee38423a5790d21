import { describe, expect, it } from 'vitest'
import { PackStream } from 'llm-pack-stream'
import * as z from 'zod'
import { collect, stringStream } from '../../helpers/collect.ts'
import { echo, scriptedClient } from '../../helpers/scripted-client.ts'

describe('a record that cannot be serialized', () => {
  const thrown = new Error('mine')
  const fail = () => {
    throw thrown
  }
  const ways: [string, () => unknown, RegExp, Error | undefined][] = [
    ['throws', fail, /threw/, thrown],
    ['returns undefined', () => undefined, /got undefined/, undefined],
    ['returns a number', () => 7, /got 7$/, undefined],
    ['returns null', () => null, /got null$/, undefined],
    ['returns a promise', () => Promise.resolve('x'), /got object$/, undefined],
  ]
  it.each(ways)(
    '%s: it is rejected, unsent, and its neighbours are not',
    async (_name, serialize, message, original) => {
      const client = scriptedClient(echo)
      const stream = stringStream(client, {
        serialize: (record) => (record === 'bad' ? (serialize() as string) : record),
        preserveOrder: true,
      })
      const outcomes = await collect(stream, ['a', 'bad', 'b'])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(outcomes[1]).toMatchObject({
        index: 1,
        record: 'bad',
        attempts: 0,
        reason: { code: 'invalid_record', original },
      })
      expect(outcomes[1]).not.toHaveProperty('pack')
      expect(outcomes[1]?.status === 'rejected' && outcomes[1].reason.message).toMatch(message)
      expect(client.calls.flatMap(({ records }) => records.map(({ text }) => text))).toEqual(['a', 'b'])
    },
  )

  it('is told by default where JSON has no word for it', async () => {
    const stream = new PackStream({
      client: scriptedClient(echo),
      model: 'm',
      instructions: '',
      schema: z.string(),
    })
    const outcomes = await collect<unknown, string>(stream, [undefined, 1n, { a: 1 }, () => 1])
    const byIndex = outcomes.toSorted((a, b) => a.index - b.index)
    expect(byIndex.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'rejected'])
    expect(byIndex[2]).toMatchObject({ value: '{"a":1}' })
  })
})

describe('null', () => {
  it('is refused at the write, and nothing else is lost', async () => {
    const stream = stringStream(scriptedClient(echo))
    stream.write('a')
    expect(() => stream.write(null as unknown as string)).toThrow(/null/)
    stream.write('b')
    stream.end()
    expect(await stream.toArray()).toMatchObject([{ value: 'a' }, { value: 'b' }])
  })
})

describe('a countTokens of the user', () => {
  it.each([() => NaN, () => '7' as unknown as number, () => -1])(
    'that returns no number is refused (%#)',
    (countTokens) => {
      expect(() => stringStream(scriptedClient(echo), { countTokens })).toThrow(
        /`countTokens` to return a number/,
      )
    },
  )

  it('that fails for one record rejects that record', async () => {
    const thrown = new Error('mine')
    const countTokens = (text: string) => {
      if (text.includes('bad')) throw thrown
      return text.includes('odd') ? NaN : 1
    }
    const outcomes = await collect(stringStream(scriptedClient(echo), { countTokens }), [
      'a',
      'bad',
      'odd',
      'b',
    ])
    expect(outcomes.toSorted((a, b) => a.index - b.index)).toMatchObject([
      { value: 'a' },
      {
        reason: {
          code: 'invalid_record',
          message: '`countTokens` threw Error for record 1',
          original: thrown,
        },
      },
      {
        reason: {
          code: 'invalid_record',
          message: 'Expected `countTokens` to return a number for record 2, got NaN',
        },
      },
      { value: 'b' },
    ])
  })
})
