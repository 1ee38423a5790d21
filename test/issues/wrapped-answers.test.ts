import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import { PackStream, type NoticeEvent } from 'llm-pack-stream'
import * as z from 'zod'
import { collect, patient, stringStream, texts } from '../helpers/collect.ts'
import { scriptedClient } from '../helpers/scripted-client.ts'

type Elements = readonly { id: unknown; value: unknown }[]
const json = JSON.stringify
const asked = (elements: Elements): string => json({ results: elements })

/** Ways in which models write an answer if their server does not keep them to the schema. */
const forms: [string, (elements: Elements) => string][] = [
  ['a fence', (elements) => `\`\`\`json\n${asked(elements)}\n\`\`\``],
  ['prose around it', (elements) => `Sure, here are [all] of them: ${asked(elements)} I hope that helps!`],
  [
    'a thought with a draft of wrong answers',
    (elements) =>
      `<think>Perhaps ${asked(elements.map(({ id }) => ({ id, value: 'wrong' })))}</think>\n${asked(elements)}`,
  ],
  ...[
    ['<thought>', '</thought>'],
    ['<Reasoning>', '</Reasoning>'],
    ['[THINK]', '[/THINK]'],
    ['<|channel|>analysis<|message|>', '<|end|><|start|>assistant<|channel|>final<|message|>'],
  ].map(([begin, end]): [string, (elements: Elements) => string] => [
    `a draft in ${begin ?? ''}`,
    (elements) =>
      `${begin ?? ''}${asked(elements.map(({ id }) => ({ id, value: 'wrong' })))}${end ?? ''}${asked(elements)}`,
  ]),
  ['a bare list', (elements) => json(elements)],
  ['an object on each line', (elements) => elements.map((element) => json(element)).join('\n')],
  ['another key', (elements) => json({ answers: elements })],
  ['an object around it', (elements) => json({ data: { results: elements } })],
  ['ids as texts', (elements) => asked(elements.map(({ id, value }) => ({ id: String(id), value })))],
  [
    'indented, in a fence, ids as texts',
    (elements) =>
      `\`\`\`\n${JSON.stringify(
        elements.map(({ id, value }) => ({ id: String(id), value })),
        null,
        2,
      )}\n\`\`\``,
  ],
]

describe.each(forms)('%s', (_form, write) => {
  it('is read like the asked form, piece by piece, and counted once for each answer', async () => {
    const client = scriptedClient(({ records }) => ({
      text: Array.from(write(records.map(({ id, text }) => ({ id, value: text })))),
    }))
    const stream = stringStream(client, { maxPackRecords: 5, maxAttempts: 1, preserveOrder: true })
    const outcomes = await collect(stream, texts(10))
    expect(outcomes).toMatchObject(texts(10).map((value) => ({ value })))
    expect(stream.stats.answers).toEqual({ wrapped: 2, strayIds: 0 })
  })

  it('leaves as soon as it closes', async () => {
    const client = scriptedClient(({ records }) => {
      const text = write(records.map((record) => ({ id: record.id, value: record.text })))
      return { text: watched(text) }
    })
    let left = 0
    function* watched(text: string): Generator<string> {
      const ends = texts(4).map((value) => text.lastIndexOf(`"${value}"`) + value.length + 2)
      const closes = ends.map((end) => text.indexOf('}', end) + 1)
      for (let i = 0; i < text.length; i++) {
        yield text.charAt(i)
        expect(left).toBe(closes.filter((close) => close <= i + 1).length)
      }
    }
    const stream = stringStream(client, { maxAttempts: 1, highWaterMark: 100 })
    stream.on('data', () => (left += 1))
    for (const record of texts(4)) stream.write(record)
    await new Promise((resolve) => stream.once('end', resolve).end())
    expect(left).toBe(4)
  })
})

it('the first wrapped answer of a stream is told, and no later one', async () => {
  const told: NoticeEvent[] = []
  const listener = (event: unknown) => void told.push(event as NoticeEvent)
  subscribe('llm-pack-stream:notice', listener)
  const client = scriptedClient(({ records }) => ({
    text: json(records.map(({ id, text }) => ({ id, value: text }))),
  }))
  const stream = stringStream(client, { maxPackRecords: 2 })
  await collect(stream, texts(6))
  unsubscribe('llm-pack-stream:notice', listener)
  expect(told.filter((event) => event.stream === stream)).toEqual([
    {
      kind: 'wrapped',
      message: expect.stringContaining('does not keep its answers to the schema') as string,
    },
  ])
})

it('the asked form is not counted, and neither is an answer without elements', async () => {
  const client = scriptedClient(({ number, records }) => ({
    text: number === 0 ? 'I cannot.' : ` ${asked(records.map(({ id, text }) => ({ id, value: text })))}\n`,
  }))
  const stream = stringStream(client, { maxAttempts: 2 })
  await collect(stream, ['a'])
  expect(stream.stats.answers).toEqual({ wrapped: 0, strayIds: 0 })
})

it('a thought that does not end settles nothing', async () => {
  const client = scriptedClient(({ records }) => ({
    text: `<think>Perhaps ${asked(records.map(({ id }) => ({ id, value: 'draft' })))}`,
  }))
  expect(await collect(stringStream(client, { maxAttempts: 1 }), ['a', 'b'])).toMatchObject([
    { reason: { code: 'request_failed', cause: { code: 'not_json' } } },
    { reason: { code: 'request_failed', cause: { code: 'not_json' } } },
  ])
})

it('an object inside an element settles nothing, also if it has the id of a neighbour and all properties', async () => {
  const schema = z.object({ label: z.string() })
  const client = scriptedClient(({ records }) => ({
    text: records
      .map(({ id, text }, i) => {
        const neighbour = records[(i + 1) % records.length]
        return json({ id, twin: { id: neighbour?.id, label: text }, label: text })
      })
      .join('\n'),
  }))
  const stream = new PackStream<string, { label: string }>({
    ...{ ...patient, client, model: 'm', instructions: '', schema, preserveOrder: true, maxAttempts: 1 },
  })
  const outcomes = await collect(stream, texts(5))
  expect(outcomes).toMatchObject(texts(5).map((label) => ({ value: { label } })))
})

it('an element with two ids settles nothing, and its neighbours keep their answers', async () => {
  const client = scriptedClient(({ records }) => {
    const elements = records.map(({ id, text }, i) =>
      i === 1 ? `{"id":${records[0]!.id},"id":${id},"value":${json(text)}}` : json({ id, value: text }),
    )
    return { text: `{"results":[${elements.join(',')}]}` }
  })
  const stream = stringStream(client, { maxAttempts: 1, preserveOrder: true })
  expect(await collect(stream, texts(3))).toMatchObject([
    { value: 'text 0' },
    { reason: { code: 'missing_result' } },
    { value: 'text 2' },
  ])
  expect(stream.stats.elements.unknown).toBe(1)
})
