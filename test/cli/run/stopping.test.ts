import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { RequestStartEvent } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import { abortWords, Stopping } from '../../../src/cli/run/stopping.ts'
import { runCli } from '../../../src/cli/run-cli.ts'
import { bareEnv, jsonl, messages, Workplace } from '../../helpers/cli.ts'

test('the second Ctrl-C says what it aborts, ends the run at once, and the next run asks that again', async () => {
  // An answer takes a minute.
  await using slow = await startSimulator({ latency: { timeToFirstToken: 0, outputTokensPerSecond: 5 } })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(60)) })
  const path = (name: string): string => join(place.path, name)
  let said = ''
  const stderr = new Writable({
    decodeStrings: false,
    write(text: string, _, done) {
      said += text
      done()
    },
  })
  const killed: unknown[] = []
  const io = Object.assign(new EventEmitter(), {
    ...{ stdin: new PassThrough(), stdout: new PassThrough(), stderr },
    env: { ...bareEnv, OPENAI_API_KEY: 'k', OPENAI_BASE_URL: slow.baseURL },
    ...{ pid: 7, kill: (...args: unknown[]) => killed.push(args) },
  })
  const press = (): void => {
    unsubscribe('llm-pack-stream:element', press)
    setImmediate(() => {
      io.emit('SIGINT', 'SIGINT')
      io.emit('SIGINT', 'SIGINT')
    })
  }
  subscribe('llm-pack-stream:element', press)
  // On a busy machine, a pack may leave before it is full.
  let asked = 0
  const count = (event: unknown): void => void (asked += (event as RequestStartEvent).records)
  subscribe('llm-pack-stream:request:start', count)
  onTestFinished(() => void unsubscribe('llm-pack-stream:request:start', count))
  const job = ['run', path('in.jsonl'), '--labels', path('labels.txt'), '--prompt', 'x', '--model', 'm']
  const args = [...job, '-o', path('out.jsonl'), '--max-in-flight', '2']
  expect(await runCli(args, io)).toBe(130)
  const [, records] = /The next run asks (\d+) records again\.\ndone /.exec(said) ?? []
  expect(said).toMatch(
    /^Stopping: nothing more is sent, 2 requests are let to the end\. Ctrl-C again aborts them: the next run asks their records again\.\nStopping at once\.\nStopped at once: 2 requests were aborted, and about [\d,]{3,} tokens bought nothing\./,
  )
  expect(said).toContain('\nretried   2 aborted when the run ended\n')
  const done = place.rows('out.jsonl').length
  expect(done).toBeGreaterThan(0)
  expect(Number(records)).toBe(asked - done)
  expect(killed).toEqual([])
  expect(io.eventNames()).toEqual([])
  await using fast = await startSimulator({ latency: { timeToFirstToken: 0 } })
  const next = await place.run([...place.job(), '-o', 'out.jsonl', '--force'], {
    env: { OPENAI_BASE_URL: fast.baseURL },
  })
  expect(next).toMatchObject({ code: 0, stderr: '' })
  expect(place.rows('out.jsonl')).toHaveLength(60)
})

test('if the run does not end then, the system ends it; the third signal goes to the system at once', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const killed: unknown[] = []
  const io = Object.assign(new EventEmitter(), { pid: 7, kill: (...args: unknown[]) => killed.push(args) })
  const calls: string[] = []
  const stream = { stats: { inFlight: 1, tokens: { wasted: {} } }, destroy: () => calls.push('destroy') }
  const flow = { stop: ({ exitCode }: { exitCode: number }) => calls.push(`stop ${exitCode}`) }
  const teller = {
    say: (text: string): void => void calls.push(text),
    stop: (): void => void calls.push('no progress any more'),
  }
  const stopping = new Stopping(flow as never, stream as never, {} as never, teller, io as never)
  io.emit('SIGTERM', 'SIGTERM')
  io.emit('SIGTERM', 'SIGTERM')
  expect(calls).toEqual([
    'Stopping: nothing more is sent, 1 request is let to the end.',
    'stop 143',
    'no progress any more',
    'Stopping at once.',
    'destroy',
  ])
  // No listener is left, so the system has the next signal.
  expect(io.eventNames()).toEqual([])
  await vi.advanceTimersByTimeAsync(1_900)
  expect(killed).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  expect(killed).toEqual([[7, 'SIGTERM']])
  stopping.end()
})

test.each([
  [0, 0, 0, 'Stopped at once. No request was aborted.'],
  [1, 1, 0, 'Stopped at once: 1 request was aborted. The next run asks 1 record again.'],
  [
    ...[4, 100, 12_345],
    'Stopped at once: 4 requests were aborted, and about 12,345 tokens bought nothing. The next run asks 100 records again.',
  ],
] as [number, number, number, string][])('%i requests with %i records and %i tokens', (...args) => {
  const [requests, records, tokens, text] = args
  expect(abortWords(requests, records, tokens)).toBe(text)
})
