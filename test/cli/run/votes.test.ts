import { describe, expect, test } from 'vitest'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { text as bodyOf } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import type { RunRecord } from '../../../src/cli/measure/run-record.ts'
import { checkSections } from '../../../src/cli/page/check-section.ts'
import { jsonl, parseLines, Workplace } from '../../helpers/cli.ts'

/** A server whose k-th answer about a text is `answers(text)[k]`, in the form of one chunk. */
async function startServer(answers: (text: string) => readonly string[]) {
  const asked = new Map<string, number>()
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const { messages } = JSON.parse(await bodyOf(incoming)) as { messages: { content: string }[] }
      const user = messages.at(-1)?.content ?? ''
      const results = Array.from(
        user.matchAll(/<record id="(\d+)">\n?(.*?)\n?<\/record>/gs),
        ([, id, text = '']) => {
          const count = asked.get(text) ?? 0
          asked.set(text, count + 1)
          return {
            id: Number(id),
            label: answers(text)[count] ?? answers(text).at(-1),
            confidence: count / 10,
          }
        },
      )
      const chunk = (choice: object, more: object = {}) =>
        `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [choice], ...more })}\n\n`
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
      outgoing.write(
        chunk({ index: 0, delta: { content: JSON.stringify({ results }) }, finish_reason: null }),
      )
      outgoing.write(
        chunk(
          { index: 0, delta: {}, finish_reason: 'stop' },
          { usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } },
        ),
      )
      outgoing.end('data: [DONE]\n\n')
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    asked,
    env: { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, OPENAI_API_KEY: 'x' },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const schema = JSON.stringify({
  type: 'object',
  properties: { label: { enum: ['card', 'fee'] }, confidence: { type: 'number' } },
  required: ['label', 'confidence'],
})
const rows = Array.from({ length: 6 }, (_, i) => ({ text: `text ${i}` }))
const answers = (text: string) =>
  ({ 'text 1': ['card', 'fee', 'fee'], 'text 2': ['card', 'fee', 'card'] })[text] ?? ['card']
const job = (...more: string[]) => [
  ...['run', 'in.jsonl', '--field', 'text', '--schema', 'schema.json', '--prompt', 'Label it.'],
  ...['--model', 'm', '--ordered', '--price-in', '1', '--price-out', '1', '--no-progress', ...more],
]
const files = { 'in.jsonl': jsonl(rows), 'schema.json': schema }

describe('run --votes', () => {
  test('takes the majority, and says how many ballots agree', async () => {
    await using server = await startServer(answers)
    using place = new Workplace(files)
    const flags = ['--votes', '3', '--agree-on', 'label', '-o', 'out.jsonl', '--json']
    const { code, stdout, stderr } = await place.run(job(...flags), { env: server.env })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(parseLines(place.read('out.jsonl')).map(({ label, _votes }) => [label, _votes])).toEqual([
      ...[
        ['card', '2 of 2'],
        ['fee', '2 of 3'],
        ['card', '2 of 3'],
      ],
      ...[
        ['card', '2 of 2'],
        ['card', '2 of 2'],
        ['card', '2 of 2'],
      ],
    ])
    expect(JSON.parse(stdout)).toMatchObject({
      stats: { votes: { ballots: 14, split: 2, undecided: 0 }, cost: 0.00033 },
    })
    const { runs } = JSON.parse(place.read('out.jsonl.run.json')) as { runs: RunRecord[] }
    const [section] = runs.flatMap((run) => checkSections(run, ''))
    expect(section?.body.text).toMatch(/records with different answers<.*?>2</s)
    // The second run has nothing to ask, and a run without votes has another task.
    const again = await place.run(job('--votes', '3', '--agree-on', 'label', '-o', 'out.jsonl'), server)
    expect(again).toMatchObject({ code: 0, stdout: '' })
    expect(server.asked.get('text 1')).toBe(3)
    const other = await place.run(job('-o', 'out.jsonl'), server)
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('--votes') as string })
  })

  test('has a column in a table, with the prefix, and a line in the summary', async () => {
    await using server = await startServer(answers)
    using place = new Workplace(files)
    const flags = ['--votes', '2', '--agree-on', 'label', '--prefix', 'p_', '-o', 'out.csv']
    const { code, stderr } = await place.run(job(...flags), { env: server.env, isLoud: true })
    expect(code).toBe(0)
    expect(place.read('out.csv').split('\n').slice(0, 3)).toEqual([
      'text,p_label,p_confidence,p__votes,_index,_error,_more',
      'text 0,card,0,2 of 2,0,,',
      'text 1,card,0,1 of 2,1,,',
    ])
    expect(stderr).toContain('votes     12 ballots; 2 records with different answers, 2 without a majority\n')
  })

  test.each([
    [['--agree-on', 'label'], 'Expected --votes or --audit with --agree-on'],
    [
      ['--votes', '2', '--agree-on', 'topic'],
      '--agree-on: the result has no field "topic"; there are: label, confidence',
    ],
    [['--votes', '1'], 'Expected --votes to be a whole number of at least 2, got 1 (number)'],
  ])('refuses %j', async (flags, message) => {
    using place = new Workplace(files)
    const env = { OPENAI_API_KEY: 'x' }
    expect(await place.run(job(...flags), { env })).toEqual({ code: 2, stdout: '', stderr: `${message}\n` })
  })
})
