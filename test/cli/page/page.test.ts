import { describe, expect, it, vi } from 'vitest'
import type { ResultRow } from '../../../src/cli/page/contents.ts'
import { all, check } from './check.ts'
import { hostile, pageOf, run } from './example.ts'

const fulfilled = (columns: Record<string, unknown>): ResultRow => ({ columns, reason: undefined })
const rejected = (columns: Record<string, unknown>, message = 'no'): ResultRow => ({
  columns,
  reason: { code: 'refused', message },
})

describe('a page', () => {
  it('shows shares, rejects, a sample, the charts of the run, its problems and its settings', async () => {
    const rows = Array.from({ length: 990 }, (_, i) => fulfilled({ id: i, label: i % 3 ? 'fee' : 'card' }))
    const page = await check(pageOf([...rows, ...Array.from({ length: 10 }, (_, i) => rejected({ id: i }))]))
    const text = page.querySelector('body')?.textContent.replace(/\s+/g, ' ') ?? ''
    for (const part of [
      'Complete. 990 of 1,000 records have their result, 10 were rejected.',
      'Cost $0.2500$0.2500 for 1,000 records',
      '990 values, 2 different. The commonest is “fee” with 67%.',
      '10 refused: no What to do: Read the record: the model will probably refuse again.',
      'The first 3 of them: refused: no',
      '50 of 1,000 rows, drawn at random.',
      '1,000 records in 100 s: 10 a second on average, at most 10.',
      'Half took 400 ms at most, 90% 900 ms, 99% 1.2 s, the slowest 1.3 s.',
      'answer stalled5',
      'the limit per minute has no room212',
      'a result did not match the schema120',
      "llm-pack-stream run in.csv --prompt 'Say <what>'",
      'modela-model',
    ]) {
      expect(text).toContain(part)
    }
    const titles = all(page, 'h3').map(({ textContent }) => textContent)
    expect(titles).toEqual([
      'label',
      'Records per second',
      'Tokens',
      'Cost',
      'Records in a request',
      'Time to the first token of a request',
      'Time in pauses',
    ])
  })

  it('has a bar for each of the 20 commonest labels, the commonest first', async () => {
    const names = Array.from({ length: 24 }, (_, i) => `label ${String.fromCharCode(97 + ((i * 7) % 24))}`)
    const rows = names.flatMap((label, i) => Array.from({ length: 40 - i }, () => fulfilled({ label })))
    const figure = (await check(pageOf(rows))).querySelector('figure')!
    const order = figure.querySelector('svg[role="img"]')?.textContent.match(/label \w/g)
    expect(order).toEqual(names.slice(0, 20))
    expect(figure.textContent).toContain('The chart has the 20 commonest; all others are 74 (11%).')
  })

  it('groups rejected records by reason, with the advice, and with what the model wrote', async () => {
    const invalid = (place: string): ResultRow => {
      const message = `The result does not match the schema at ${place}`
      return { columns: { place }, reason: { code: 'invalid_result', message, raw: `wrote ${place}` } }
    }
    const rows = [
      invalid('a.1'),
      invalid('b'),
      invalid('a.22'),
      rejected({}, 'no on attempt 4'),
      invalid('a.3'),
    ]
    const page = await check(pageOf(rows))
    const section = page.querySelector('section[aria-labelledby="rejected"]')!
    expect(all(section, 'section > details > summary').map(({ textContent }) => textContent.trim())).toEqual([
      expect.stringMatching(/^3\s+invalid_result: The result does not match the schema at a\.N$/),
      expect.stringMatching(/^1\s+invalid_result: .* at b$/),
      expect.stringMatching(/^1\s+refused: no$/),
    ])
    const text = section.textContent
    for (const part of [
      'wrote a.1',
      'wrote a.3',
      'allow the value in --schema or --labels',
      'All of them: ',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('shows hostile texts of records, results, columns, reasons, settings and files, and runs none', async () => {
    const rows = hostile.flatMap((text, i) => [
      fulfilled({ [text]: text, text, label: text, [`more ${i}`]: { [text]: [text] } }),
      rejected({ text, [text]: text }, text),
      { columns: { text }, reason: { code: text, message: text, raw: text } },
    ])
    const columns = ['label', ...hostile.slice(0, 3)]
    const runs = hostile.map((text) => ({
      ...run,
      ...{ resultColumns: columns, command: text, server: text, error: text, status: 'failed' as const },
      ...{ settings: { [text]: text }, reasons: { retried: [{ reason: text, count: 1 }], waited: [] } },
    }))
    for (const text of hostile) {
      const small = await check(
        pageOf([], { runs: [{ ...run, error: text, series: [] }], notes: [text], name: text }),
      )
      expect(small.querySelector('h1')?.textContent).toBe(
        text.toWellFormed().replace(/[\0\u0007]/g, '\ufffd'),
      )
    }
    const page = await check(pageOf(rows, { runs }))
    expect(page.querySelector('#sample')).not.toBeNull()
    expect(page.querySelector('body')?.textContent).toContain(hostile[0])
  })

  it.each<[string, ResultRow[]]>([
    ['no record', []],
    ['one record', [fulfilled({ text: 'a', label: 'x' })]],
    ['one rejected record', [rejected({ text: 'a' })]],
    ['records that were all rejected', Array.from({ length: 30 }, (_, i) => rejected({ i }))],
    ['a record without columns', [fulfilled({})]],
    [
      'very many columns',
      [fulfilled(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`c${i}`, i])))],
    ],
    ['values that are all the same', Array.from({ length: 99 }, () => fulfilled({ label: 0 }))],
    ['a row for each number', Array.from({ length: 99 }, (_, i) => fulfilled({ label: 1e300 * (i - 50) }))],
  ])('%s, with runs and without', async (_, rows) => {
    await check(pageOf(rows))
    await check(pageOf(rows, { runs: [] }))
    const nothing = { input: 0, cached: 0, output: 0 }
    const empty = {
      ...{
        ...run,
        packs: { first: [], again: [] },
        latency: {},
        cost: undefined,
        seconds: 0,
        firstResult: undefined,
      },
      ...{ requests: { sent: 0, retries: 0 }, tokens: { ...nothing, wasted: {} } },
      records: { done: 0, fulfilled: 0, rejected: 0, earlier: 0 },
      series: [{ t: 0, fulfilled: 0, rejected: 0, ...nothing, waited: 0 }],
    }
    await check(pageOf(rows, { runs: [empty] }))
    // A run of one request that has not had its answer.
    await check(pageOf(rows, { runs: [{ ...empty, requests: { sent: 1, retries: 0 } }] }))
  })

  it('says how the last run ended, sums up all runs, and lists them', async () => {
    const stopped = { ...run, status: 'failed' as const, exitCode: 3, error: 'The server refuses the key.' }
    const page = await check(pageOf([fulfilled({ label: 'a' })], { runs: [run, stopped] }))
    expect(page.querySelector('.state')?.textContent).toMatch(/^\s*The run had to stop\..*refuses the key/)
    expect(page.querySelector('.tiles')?.textContent.replace(/\s+/g, ' ')).toContain('Input tokens 100,000')
    expect(page.querySelector('#runs')?.textContent).toBe('All runs')
    const interrupted = await check(pageOf([], { runs: [{ ...run, status: 'interrupted' }] }))
    expect(interrupted.querySelector('.state')?.textContent).toContain('The run was interrupted.')
    const simulated = await check(pageOf([], { runs: [{ ...run, server: 'simulator' }] }))
    expect(simulated.querySelector('.state')?.textContent).toContain('which is no model')
  })

  it('prints nothing to the console', async () => {
    const warn = vi.spyOn(console, 'warn')
    await check(pageOf([fulfilled({ label: '1' }), fulfilled({ label: '2026-01-01' })]))
    expect(warn).not.toHaveBeenCalled()
    warn.mockRestore()
  })
})
