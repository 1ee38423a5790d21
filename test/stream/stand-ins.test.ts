import { expect, it } from 'vitest'
import type { ChatClient } from 'llm-pack-stream'
import { collect, gate, stringStream } from '../helpers/collect.ts'
import { idAt } from '../../src/request/ids.ts'

const chunk = (content: string, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason }],
})
const events = [chunk(`{"results":[{"id":${idAt(0)},"value":"a"}]}`), chunk('', 'stop')]
const whole = {
  object: 'chat.completion',
  choices: [{ message: { content: `{"results":[{"id":${idAt(0)},"value":"a"}]}` }, finish_reason: 'stop' }],
}

/** A client whose answers are some value of its own. */
const clientOf = (answer: () => unknown): ChatClient =>
  ({ chat: { completions: { create: answer } } }) as unknown as ChatClient

it.each([
  ['an array', () => events],
  ['a promise of an array', () => Promise.resolve(events)],
  ['an async generator that nobody waits for', () => asyncEvents()],
  ['a stream of one whole answer', () => [whole]],
  ['a promise of one whole answer', () => Promise.resolve(whole)],
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

it('an answer that comes after its deadline is closed', async () => {
  const closed = gate()
  const late = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined), return: close }) }
  }
  const close = () => {
    closed.open()
    return Promise.resolve({ done: true, value: undefined })
  }
  const options = { firstTokenTimeout: 10, maxAttempts: 1 }
  expect(await collect(stringStream(clientOf(late), options), ['x'])).toMatchObject([{ status: 'rejected' }])
  await closed.opened
})

it('a listener that throws aborts the request, also where the client knows only the signal', async () => {
  const aborted = gate()
  const create = (_body: unknown, { signal }: { signal: AbortSignal }) => {
    signal.addEventListener('abort', aborted.open)
    return Promise.resolve(asyncEvents())
  }
  const client = { chat: { completions: { create } } } as unknown as ChatClient
  const stream = stringStream(client)
  stream.on('data', () => {
    throw new Error('I do not listen')
  })
  stream.on('error', () => undefined)
  stream.end('x')
  await aborted.opened
})
