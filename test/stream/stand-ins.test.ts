import { expect, it } from 'vitest'
import type { ChatClient } from 'llm-pack-stream'
import { collect, stringStream } from '../helpers/collect.ts'

const chunk = (content: string, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason }],
})
const events = [chunk('{"results":[{"id":1,"value":"a"}]}'), chunk('', 'stop')]

/** A client whose answers are something that can be iterated. */
const clientOf = (answer: () => unknown): ChatClient =>
  ({ chat: { completions: { create: answer } } }) as unknown as ChatClient

it.each([
  ['an array', () => events],
  ['a promise of an array', () => Promise.resolve(events)],
  ['an async generator that nobody waits for', () => asyncEvents()],
  ['an iterator that throws when it is closed', () => unclosable()],
])('a stand-in for a client may answer with %s', async (_what, answer) => {
  expect(await collect(stringStream(clientOf(answer)), ['x'])).toMatchObject([{ value: 'a' }])
})

async function* asyncEvents() {
  for (const event of events) yield await Promise.resolve(event)
}

function unclosable() {
  const iterator = events[Symbol.iterator]()
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve(iterator.next()),
      return: () => {
        throw new Error('I do not close')
      },
    }),
  }
}
