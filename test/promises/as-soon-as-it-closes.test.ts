import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { Outcome } from 'llm-pack-stream'
import { collect, gate, stringStream, texts } from '../helpers/collect.ts'
import { answerOf, echo, scriptedClient, scriptedResponses } from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

describe('a result leaves as soon as its element closes', () => {
  it('in the tick of its last character, before the next character is read', async () => {
    const emitted: number[] = []
    const client = scriptedClient((call) => ({ text: oneByOne(answerOf(call, ({ text }) => text)) }))
    function* oneByOne(text: string): Generator<string> {
      let depth = 0
      let closed = 0
      for (const character of text) {
        if (character === '{') depth += 1
        if (character === '}' && depth-- === 2) closed += 1
        yield character
        expect(emitted).toHaveLength(closed)
      }
    }
    const stream = stringStream(client, { highWaterMark: 100 })
    stream.on('data', ({ index }) => emitted.push(index))
    for (const text of texts(10)) stream.write(text)
    stream.end()
    await once(stream, 'end')
    expect(emitted).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(client.calls).toHaveLength(1)
  })

  it('while its request is still running', async () => {
    const { opened, open } = gate()
    async function* halting(): AsyncGenerator<string> {
      yield `{"results":[{"id":${idAt(1)},"value":"two"}`
      await opened
      yield `,{"id":${idAt(0)},"value":"one"}]}`
    }
    const stream = stringStream(scriptedClient(() => ({ text: halting() })))
    stream.write('a')
    stream.end('b')
    const outcomes = stream[Symbol.asyncIterator]()
    expect((await outcomes.next()).value).toMatchObject({ index: 1, value: 'two' })
    expect(stream.stats).toMatchObject({ inFlight: 1, records: { fulfilled: 1, unsettled: 1 } })
    open()
    expect((await outcomes.next()).value).toMatchObject({ index: 0, value: 'one' })
    expect((await outcomes.next()).done).toBe(true)
  })
})

describe('an answer that ends early keeps its closed elements', () => {
  const whole = `{"results":[{"id":${idAt(0)},"value":"text 0"},{"id":${idAt(1)},"value":"text 1"},{"id":${idAt(2)},"value":"te`

  it.each([
    ['cut at the output cap', { text: whole, finishReason: 'length' }],
    ['stopped by the content filter', { text: whole, finishReason: 'content_filter' }],
    ['ended without a finish reason', { text: whole, finishReason: null }],
    ['broken by a character that is no JSON', { text: `${whole}\u0000` }],
  ])('%s: only the other records are sent again', async (_name, firstAnswer) => {
    const client = scriptedClient((call) => (call.number === 0 ? firstAnswer : echo(call)))
    const stream = stringStream(client)
    const outcomes: Outcome<string, string>[] = []
    stream.on('data', (outcome) => outcomes.push(outcome))
    for (const text of texts(5)) stream.write(text)
    stream.end()
    await once(stream, 'end')
    expect(outcomes.map(({ index, status }) => [index, status])).toEqual(
      [0, 1, 2, 3, 4].map((index) => [index, 'fulfilled']),
    )
    expect(outcomes.slice(0, 2).map(({ attempts }) => attempts)).toEqual([1, 1])
    const again = client.calls.slice(1).flatMap(({ records }) => records.map(({ text }) => text))
    expect(again).toEqual(['text 2', 'text 3', 'text 4'])
  })
})

describe('an answer that breaks off after its finish reason', () => {
  const reset = new TypeError('terminated')

  it.each([
    ['with all it was asked for', { finishReason: 'stop' }, 'missing_result', 1],
    // The record is sent once more, like every record whose answer was cut.
    ['at the output cap', { finishReason: 'length' }, 'answer_truncated', 2],
    ['by the content filter', { finishReason: 'content_filter' }, 'content_filtered', 1],
    ['with a refusal', { refusal: 'No.' }, 'refused', 1],
    ['with a refusal, and nothing else', { refusal: 'No.', finishReason: null }, 'refused', 1],
    ['in no way', { finishReason: null }, 'request_failed', 1],
  ])('%s: the outcome is the same', async (_name, answer, code, attempts) => {
    for (const script of [scriptedClient, scriptedResponses]) {
      const client = script(() => ({ text: '{"results":[]}', breaksOff: reset, ...answer }))
      const api = script === scriptedClient ? 'chat' : 'responses'
      const outcomes = await collect(stringStream(client, { api, maxAttempts: 1 }), ['a'])
      expect(outcomes).toMatchObject([{ attempts, reason: { code } }])
    }
  })
})
