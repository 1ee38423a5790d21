import { expect, it } from 'vitest'
import type { ChatClient } from 'llm-pack-stream'
import { collect, stringStream } from '../helpers/collect.ts'
import { answerOf, recordsOf, type Call } from '../helpers/scripted-client.ts'

const choice = (fields: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, finish_reason, ...fields }],
})
const delta = (fields: object) => choice({ delta: fields })
const call = (text: string, index = 0) => ({ tool_calls: [{ index, function: { arguments: text } }] })

/** Ways in which servers send the text of an answer in Chat Completions. */
const ways: [string, (text: string) => object[]][] = [
  ['text in one part', (text) => [delta({ content: [{ type: 'text', text }] })]],
  [
    'text in many parts',
    (text) => Array.from(text, (character) => delta({ content: [{ type: 'text', text: character }, null] })),
  ],
  [
    'thoughts in parts before the text',
    (text) => [
      delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: '{"results":[' }] }] }),
      delta({ content: [{ type: 'thinking', text: '{"results":[' }] }),
      delta({ content: [{ type: 'text', text }] }),
    ],
  ],
  ['a message in place of a delta', (text) => [choice({ message: { role: 'assistant', content: text } })]],
  ['a message beside an empty delta', (text) => [choice({ delta: null, message: { content: text } })]],
  [
    'the message again after its deltas',
    (text) => [delta({ content: text }), choice({ message: { content: text } })],
  ],
  ['the arguments of a tool', (text) => Array.from(text, (character) => delta(call(character)))],
  ['the arguments of a tool, with empty content', (text) => [delta({ content: '', ...call(text) })]],
  ['the arguments of a function', (text) => [delta({ content: null, function_call: { arguments: text } })]],
  [
    'a message with the arguments of a tool',
    (text) => [choice({ message: { content: null, ...call(text) } })],
  ],
]

it.each(ways)('%s is read like the content of deltas', async (_what, events) => {
  const create = (body: Call['body']) => {
    const text = answerOf({ records: recordsOf(body) }, (record) => record.text)
    return Promise.resolve([...events(text), choice({ delta: {} }, 'stop')])
  }
  const client = { chat: { completions: { create } } } as unknown as ChatClient
  const stream = stringStream(client, { maxAttempts: 1 })
  expect(await collect(stream, ['a', 'b'])).toMatchObject([{ value: 'a' }, { value: 'b' }])
  expect(stream.stats.elements).toEqual({ invalid: 0, repeated: 0, unknown: 0, missing: 0 })
})
