import { expect, onTestFinished, test, vi } from 'vitest'
import type { Stats } from 'llm-pack-stream'
import { openTeller, type Show } from '../../../src/cli/terminal/teller.ts'

const START = new Date(2026, 10, 30, 12, 0).getTime()

/** A job whose time is a fake clock. */
class Job {
  fulfilled = 0
  inFlight = 1
  columns = 60
  waiting: Stats['waiting']
  written = ''
  readonly teller

  constructor(show: Show) {
    vi.useFakeTimers({ now: START })
    onTestFinished(() => void vi.useRealTimers())
    const write = (text: string): void => void (this.written += text)
    const columns = (): number => this.columns
    const stderr = {
      write,
      get columns() {
        return columns()
      },
    }
    this.teller = openTeller(() => this.#progress, show, 10_000, { stderr } as never)
  }

  get #progress() {
    const { fulfilled, inFlight, waiting } = this
    const records = { read: 1_000, fulfilled, rejected: 0, unsettled: 1_000 - fulfilled }
    const stats = { records, inFlight, waiting, tokens: { input: 0, output: 0 }, cost: undefined }
    return { before: 0, stats: stats as Stats, read: 1_000, share: 1, limit: Infinity }
  }

  /** The time goes on, and each second brings records. */
  async go(seconds: number, perSecond = 0): Promise<void> {
    for (let i = 0; i < seconds; i += 1) {
      this.fulfilled += perSecond
      await vi.advanceTimersByTimeAsync(1_000)
    }
  }

  /** The lines since the last call. */
  get lines(): string[] {
    const lines = this.written.split('\n').slice(0, -1)
    this.written = ''
    return lines
  }
}

test('a log has a line each 10 s, and at each change of state', async () => {
  const job = new Job('log')
  await job.go(20, 5)
  expect(job.lines).toEqual([
    '50 of 1,000  5%  5.0/s  ETA 3:10  1 in flight  0 tokens',
    '100 of 1,000  10%  5.0/s  ETA 3:00  1 in flight  0 tokens',
  ])
  job.inFlight = 0
  job.waiting = { for: 'rate_limit', until: START + 45_000, said: 'The rate limit was reached (429)' }
  await job.go(2)
  expect(job.lines).toEqual([
    'rate limited until 12:00:45, the server says 429  100 of 1,000  10%  0 in flight  0 tokens',
  ])
  await job.go(10)
  expect(job.lines).toEqual([
    'rate limited until 12:00:45, the server says 429  100 of 1,000  10%  0 in flight  0 tokens',
  ])
  job.waiting = undefined
  job.inFlight = 1
  await job.go(1, 5)
  expect(job.lines).toEqual(['105 of 1,000  10%  3.0/s  ETA 4:59  1 in flight  0 tokens'])
  job.teller.say('A notice')
  job.teller.stop()
  await job.go(60)
  expect(job.lines).toEqual(['A notice'])
  expect(vi.getTimerCount()).toBe(0)
})

test('a log has no line while nothing happens', async () => {
  const job = new Job('log')
  job.inFlight = 0
  await job.go(100)
  expect(job.written).toBe('')
})

test('without progress, only a long pause is told, once', async () => {
  const job = new Job('problems')
  await job.go(30, 5)
  job.inFlight = 0
  job.waiting = {
    for: 'server',
    until: START + 32_000,
    said: 'The connection failed or broke off (ECONNREFUSED)',
  }
  await job.go(30)
  job.waiting = undefined
  await job.go(30, 5)
  expect(job.lines).toEqual(['Waiting: server down for 10 s: ECONNREFUSED'])
})

/** The rows of a terminal that wraps its lines again when its width changes, as most do. */
class Screen {
  /** Lines without their wrapping, and the place of the cursor in them. */
  lines = ['']
  row = 0
  column = 0

  write(text: string): void {
    for (const [part, command] of text.matchAll(/\x1b\[(J|\?7[hl])|\r|\n|[^\x1b\r\n]+/g)) {
      if (command === 'J') {
        this.lines = [...this.lines.slice(0, this.row), this.#line.slice(0, this.column)]
      } else if (command !== undefined) {
        // The width of this screen is never old.
      } else if (part === '\r') this.column = 0
      else if (part === '\n') {
        this.row += 1
        this.column = 0
        this.lines[this.row] ??= ''
      } else {
        this.lines[this.row] =
          this.#line.slice(0, this.column) + part + this.#line.slice(this.column + part.length)
        this.column += part.length
      }
    }
  }

  get #line(): string {
    return this.lines[this.row] ?? ''
  }
}

test('a terminal has one line, with notes above it, also when its width changes, and nothing at the end', async () => {
  const job = new Job('line')
  const screen = new Screen()
  const look = async (): Promise<string[]> => {
    await vi.advanceTimersByTimeAsync(100)
    screen.write(job.written)
    job.written = ''
    return screen.lines
  }
  await job.go(2, 5)
  expect(await look()).toEqual(['10 of 1,000  1%  4.8/s  ETA 3:28  1 in flight  0 tokens'])
  job.columns = 40
  expect(await look()).toEqual(['10 of 1,000  1%  4.5/s  ETA 3:38'])
  expect(screen.column).toBe(0)
  // Notes may have any characters, and be longer than the line.
  job.teller.say('読み込み中 a note that is longer than the terminal is wide, by some words')
  expect(await look()).toEqual([
    '読み込み中 a note that is longer than the terminal is wide, by some words',
    expect.stringMatching(/^10 of 1,000 {2}1% {2}4\.\d\/s {2}ETA 3:\d\d$/),
  ])
  job.columns = 100
  expect((await look())[1]).toMatch(/^[█░]{20} {2}10 of 1,000 .* 0 tokens$/)
  // The person types Ctrl-C, which the terminal shows.
  screen.write('^C')
  job.teller.stop()
  job.teller.say('Stopping at once.')
  // The system may end the process at any time from here on.
  expect(await look()).toEqual([
    '読み込み中 a note that is longer than the terminal is wide, by some words',
    'Stopping at once.',
    '',
  ])
  expect(vi.getTimerCount()).toBe(0)
})
