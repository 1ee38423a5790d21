import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { simulate } from '../../../src/cli/simulate/action.ts'
import { Workplace } from '../../helpers/cli.ts'

const message = (text: string) => ({
  model: 'm',
  messages: [{ role: 'user', content: text }],
  response_format: {
    type: 'json_schema',
    json_schema: {
      name: 'r',
      schema: { type: 'object', properties: { label: { enum: ['x', 'y'] } }, required: ['label'] },
    },
  },
})

test('--quality: the simulator answers with the right results of the file', async () => {
  using place = new Workplace({ 'quality.json': '{"truth":{"one":"x","two":"y"},"accuracy":1}' })
  const stdout = new PassThrough({ encoding: 'utf8' })
  const signals = { pid: 0, kill: () => true }
  const io = Object.assign(new EventEmitter(), {
    ...{ stdin: new PassThrough(), stdout, stderr: new PassThrough(), env: {} },
    ...signals,
  })
  const ended = simulate({ port: 0, timeToFirstToken: 0, quality: `${place.path}/quality.json` }, io)
  const [said] = (await stdout.take(1).toArray()) as string[]
  const [, baseURL = ''] = /OPENAI_BASE_URL=(.*)/.exec(said ?? '') ?? []
  const answers = ['one', 'two'].map(async (text) => {
    const init = { method: 'POST', body: JSON.stringify(message(text)) }
    const response = await fetch(`${baseURL}/chat/completions`, init)
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
    return choices[0]?.message.content
  })
  expect(await Promise.all(answers)).toEqual(['{"label":"x"}', '{"label":"y"}'])
  io.emit('SIGTERM', 'SIGTERM')
  expect(await ended).toBe(0)
})

test.each([
  ['{"truth":{},"accuracy":90}', '--quality: accuracy: expected a share from 0 to 1, got 90'],
  ['{"truth":{},"perSize":{"25":101}}', '--quality: perSize.25: expected points from 0 to 100, got 101'],
  ['{"acuracy":1}', '--quality: acuracy: expected one of truth, '],
  ['{', 'quality.json: expected JSON: '],
  ['[]', 'quality.json: expected a JSON object of options'],
])('--quality with %s is a usage error', async (content, problem) => {
  using place = new Workplace({ 'quality.json': content })
  const { code, stdout, stderr } = await place.run(['simulate', '--port', '0', '--quality', 'quality.json'])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(problem)
})

test('--quality with a file that is not there', async () => {
  using place = new Workplace()
  const { code, stderr } = await place.run(['simulate', '--port', '0', '--quality', 'none.json'])
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('--quality: none.json: there is no such file') as unknown,
  })
})
