import { expect, test } from 'vitest'
import { showFor } from '../../../src/cli/run/watch.ts'

const terminal = { isTTY: true, columns: 80 }
const pipe = {}

test.each<[string, object, object, object]>([
  ['line', { output: 'out.jsonl' }, terminal, {}],
  ['log', { output: 'out.jsonl' }, terminal, { TERM: 'dumb' }],
  ['log', { output: 'out.jsonl' }, { isTTY: true, columns: 0 }, {}],
  ['log', { output: 'out.jsonl' }, pipe, {}],
  ['log', {}, pipe, {}],
  ['log', { output: 'out.jsonl', json: true }, pipe, {}],
  // A program reads the summary from standard error.
  ['problems', { json: true }, pipe, {}],
  ['problems', { output: 'out.jsonl', progress: false }, terminal, {}],
  ['problems', { output: 'out.jsonl', quiet: true }, pipe, {}],
])('the progress is shown as %s with %j on %j, %j', (show, flags, stderr, env) => {
  expect(showFor(flags, { stderr, env } as never)).toBe(show)
})
