import { describe, expect, it } from 'vitest'
import { makeEvalPage, type EvalPage } from '../../../src/cli/eval/page.ts'
import type { EvalReport } from '../../../src/eval/report.ts'
import { all, check, type Tag } from '../page/check.ts'
import { hostile } from '../page/example.ts'
import { report } from './example.ts'

const pageOf = (changed: Partial<EvalReport> = {}, more: Partial<EvalPage> = {}): Promise<Tag> =>
  check(
    makeEvalPage({
      ...{ name: 'tickets.csv', report: { ...report, ...changed }, use: 'llm-pack-stream run x', version: '1.2.3' },
      ...{ command: 'llm-pack-stream eval x', server: 'https://api.example/v1', madeAt: new Date(0), ...more },
    }),
  ) // prettier-ignore
const textOf = (page: Tag, selector = 'body'): string =>
  page.querySelector(selector)?.textContent.replace(/\s+/g, ' ').trim() ?? ''

describe('the page of an eval', () => {
  it('has the recommendation on top, then the arms, the charts, the labels and the settings', async () => {
    const page = await pageOf()
    expect(textOf(page, '.state')).toBe(
      'Use packs of 25. They lose 0.6 points against packs of one (-0.7 to 1.9), which is below the margin of 2 points. They cost 88% less, and are 6 times as fast.',
    )
    expect(textOf(page, '#main section')).toContain('This holds for a-model at this server.')
    expect(textOf(page, 'pre')).toBe('llm-pack-stream run x')
    expect(all(page, 'h3').map(({ textContent }) => textContent)).toEqual([
      'Accuracy and pack size',
      'Loss against packs of one',
      'Accuracy and cost',
      'Accuracy and time',
      'Place in the pack',
      'Records before it',
      'Length of the record',
      'Influence of neighbours',
      'Neighbours of one label',
      'Confusions that packs add',
      'Share of the labels',
    ])
    const text = textOf(page)
    for (const part of [
      'Accuracy, alone 86.2%',
      'Loss in packs of 25 0.6 points-0.7 to 1.9, margin 2.0',
      'Cost of 1,000 records $0.0136$0.114 one by one',
      'packs of 5081.8%4.4 (2.7 to 6.1)beyond the margin$0.0115613,0004',
      'packs of 50, 3 votes85.0%1.2 (-0.3 to 2.7)cannot tell yet, stopped early',
      '84 : 61 (0.066)',
      'about 2,400',
      'card arrival → card delivery estimate3112',
      'otherpacks of 506.1%3.8%0.9 to 3.7yes',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('says what the figures do not show, and why the sample ended', async () => {
    const stopped = await pageOf({ stopped: 'max_cost', scoredBy: 'agreement' }, { server: 'simulator' })
    const notes = all(stopped, '.note').map(({ textContent }) => textContent)
    expect(notes).toEqual([
      expect.stringContaining('no model'),
      expect.stringContaining('--max-cost'),
      expect.stringContaining('--gold'),
    ])
    expect(textOf(stopped, '.tiles')).not.toContain('alone 86.2%')
    expect(textOf(await pageOf({ stopped: 'aborted' }), '.note')).toContain('The same command continues it')
  })

  it('marks a model that must not be packed, and a sample that is too small', async () => {
    const alone = {
      kind: 'alone' as const,
      size: 1,
      sentences: ['Do not pack.', 'Packs of 5 lose 4 points.'],
    }
    const page = await pageOf({ recommendation: alone })
    expect(page.querySelector('.state')?.getAttribute('class')).toBe('state bad')
    expect(textOf(page, '.tiles')).toContain('Cost of 1,000 records $0.114one by one')
    const unclear = await pageOf({ recommendation: { ...alone, kind: 'unclear' } })
    expect(unclear.querySelector('.state')?.getAttribute('class')).toBe('state part')
  })

  it('stands with no record, with no prices, and with one arm', async () => {
    const arms = report.arms.map((arm) => {
      const none = { ...arm.score, mean: NaN, records: 0 }
      const speed = { recordsPerSecond: undefined, firstResultMs: undefined, p50Ms: undefined, p95Ms: undefined }
      return { ...arm, ...{ records: 0, score: none, loss: undefined, flips: undefined, costPer1000: undefined, speed, byPosition: [], byBefore: [], byLength: [], confusions: [], shares: [] } }
    }) // prettier-ignore
    const empty = { kind: 'unclear' as const, size: 1, sentences: ['Cannot tell yet.'] }
    const nothing = { influence: undefined, runs: undefined, cost: undefined, recommendation: empty }
    const page = await pageOf({ arms, records: 0, ...nothing })
    expect(all(page, 'figure')).toEqual([])
    await pageOf({ ...nothing, arms: report.arms.slice(0, 1) })
  })

  it('shows hostile labels, names and settings, and runs none', async () => {
    const arms = report.arms.slice(3, 6).map((arm, i) => ({
      ...arm,
      name: `${hostile[i]} ${i}`,
      confusions: hostile.map((text) => ({ gold: text, said: text, packed: 3, alone: 1 })),
      shares: hostile.map((label) => ({ label, packed: 0.2, alone: 0.1, difference: { low: 0, high: 0.2 }, isAlarm: true })), // prettier-ignore
    }))
    for (const text of hostile) {
      const recommendation = { ...report.recommendation, sentences: [text, text] }
      await pageOf({ model: text, recommendation, arms: [] }, { name: text, server: text, use: text, command: text })
    } // prettier-ignore
    expect(textOf(await pageOf({ arms }))).toContain(hostile[0])
  })
})
