import { describe, expect, it } from 'vitest'
import { analyse, type Evaluation } from '../../src/eval/analyse.ts'
import { EarlyStop } from '../../src/eval/losses.ts'
import type { ArmReport, EvalReport } from '../../src/eval/report.ts'
import { ARMS, plant, type Planted } from '../helpers/planted-trials.ts'

const armOf = (report: EvalReport, size: number, kind = 'packed'): ArmReport =>
  report.arms.find((arm) => arm.kind === kind && arm.size === size)!

const without = (...kinds: string[]): typeof ARMS => ARMS.filter(({ kind }) => !kinds.includes(kind))

const planted = (options: Partial<Planted> = {}): Evaluation => plant({ records: 1_000, seed: 1, ...options })

describe('the loss of an arm', () => {
  const report = analyse(
    planted({
      records: 2_000,
      noise: 0.02,
      loss: ({ arm }) => (arm.size === 50 ? 0.1 : arm.size === 25 ? 0.04 : 0),
    }),
  )

  it('is the difference to the same records alone, in its interval', () => {
    for (const [size, truth] of [
      [10, 0],
      [25, 0.04],
      [50, 0.1],
    ] as const) {
      const { loss, score } = armOf(report, size)
      expect(loss!.low).toBeLessThanOrEqual(truth)
      expect(loss!.high).toBeGreaterThanOrEqual(truth)
      expect(loss!.always.low).toBeLessThanOrEqual(truth)
      expect(loss!.always.high).toBeGreaterThanOrEqual(truth)
      expect(loss!.mean).toBeCloseTo(armOf(report, 1, 'alone').score.mean - score.mean, 10)
      expect(loss!.records).toBe(2_000)
    }
    expect(armOf(report, 50).loss!.verdict).toBe('beyond')
    expect(report.scoredBy).toBe('labels')
  })

  it('has a verdict that agrees with its interval, and a number of records that would end a doubt', () => {
    for (const { loss } of report.arms) {
      if (!loss) continue
      const { low, high, verdict, more } = loss
      expect(verdict).toBe(high < 0.02 ? 'within' : low > 0.02 ? 'beyond' : 'unclear')
      expect(verdict === 'unclear' ? more! > 0 : more === 0).toBe(true)
    }
  })

  it("has McNemar's counts, which add up to its mean", () => {
    const { mcnemar, mean } = armOf(report, 50).loss!
    expect((mcnemar!.onlyAlone - mcnemar!.onlyPacked) / 2_000).toBeCloseTo(mean, 10)
    expect(mcnemar!.p).toBeLessThan(1e-6)
  })

  it('is of packed and extra arms only', () => {
    expect(report.arms.map(({ loss }) => loss !== undefined)).toEqual([false, false, true, true, true, false])
  })

  it('is found by its correlation where whole packs go wrong', () => {
    const bad = new Set<number>()
    const evaluation = planted({ records: 2_000, arms: without('noise', 'reshuffled') })
    const trials = evaluation.trials.map((trial) => {
      if (trial.arm !== 'packs of 25' || trial.group !== 3) return trial
      bad.add(trial.request!)
      return { ...trial, value: { label: 'other' } }
    })
    const { loss } = armOf(analyse({ ...evaluation, trials }), 25)
    expect(bad.size).toBe(10)
    expect(loss!.correlation).toBeGreaterThan(0.3)
    expect(loss!.low).toBeLessThan(0.08)
    expect(loss!.high).toBeGreaterThan(0.08)
  })
})

describe('over seeds, packs of 25 without noise', () => {
  const arms = ARMS.filter(({ kind, size }) => kind === 'alone' || (kind === 'packed' && size === 25))
  const lossesWith = (lost: number): number[] =>
    Array.from({ length: 5 }, (_, seed) => {
      const evaluation = plant({ records: 3_000, seed, arms, loss: () => lost })
      return armOf(analyse(evaluation), 25).loss!.low
    })

  it('a loss of 3 points is found', () => {
    expect(lossesWith(0.03).filter((low) => low > 0).length).toBe(5)
  })

  it('no loss gives no alarm', () => {
    expect(lossesWith(0).filter((low) => low > 0).length).toBe(0)
  })
})

describe('without gold', () => {
  it('noise is no loss, and what packing changes beyond noise is', () => {
    const loss: Planted['loss'] = ({ arm }) => (arm.size === 50 ? 0.1 : 0)
    const report = analyse(planted({ records: 1_500, noise: 0.06, hasGold: false, loss }))
    expect(report.scoredBy).toBe('agreement')
    expect(armOf(report, 10).flips!.mean).toBeGreaterThan(0.05)
    expect(Math.abs(armOf(report, 10).loss!.mean)).toBeLessThan(0.025)
    expect(armOf(report, 10).loss!.low).toBeLessThan(0)
    expect(armOf(report, 50).loss!.mean).toBeGreaterThan(0.05)
    expect(armOf(report, 50).loss!.low).toBeGreaterThan(0)
    expect(report.recommendation.sentences.join(' ')).toContain(
      'Without gold, a changed answer counts as a loss',
    )
  })
})

describe('other scores', () => {
  it('are the share of fields that agree with gold', () => {
    const evaluation = planted({ records: 100 })
    const report = analyse({
      ...evaluation,
      label: undefined,
      sample: evaluation.sample.map(({ gold, ...record }) => ({
        ...record,
        gold: { label: gold, never: 1 },
      })),
    })
    expect(report.scoredBy).toBe('fields')
    const right = armOf(analyse(evaluation), 1, 'alone').score.mean
    expect(armOf(report, 1, 'alone').score.mean).toBeCloseTo(right / 2, 10)
    expect(armOf(report, 25).loss!.mcnemar).toBeUndefined()
    expect(report.runs).toBeUndefined()
  })

  it('are what a function returns, and a number outside of 0 to 1 is an error', () => {
    const evaluation = planted({ records: 100, hasGold: false })
    const report = analyse({
      ...evaluation,
      score: (_, gold, record) => (gold === undefined ? record / 100 : 0),
    })
    expect(report.scoredBy).toBe('score')
    expect(armOf(report, 10).score.mean).toBeCloseTo(0.495, 10)
    expect(() => analyse({ ...evaluation, score: () => NaN })).toThrow(
      'Expected `score` to return a number from 0 to 1, got NaN',
    )
  })

  it('take a rejected record as wrong, and leave out records without gold', () => {
    const evaluation = planted({ records: 100, accuracy: 1 })
    const trials = evaluation.trials.map(({ value, ...trial }) =>
      trial.arm === 'packs of 25' && trial.record < 10
        ? { ...trial, status: 'rejected' as const, code: 'refusal' }
        : { ...trial, value },
    )
    const sample = evaluation.sample.map((record, at) => (at < 50 ? record : { tokens: record.tokens }))
    const arm = armOf(analyse({ ...evaluation, trials, sample }), 25)
    expect(arm).toMatchObject({ records: 100, rejected: 10 })
    expect(arm.score).toMatchObject({ mean: 0.8, records: 50 })
    expect(arm.loss!.mean).toBeCloseTo(0.2, 10)
    expect(arm.flips!.mean).toBeCloseTo(0.1, 10)
  })
})

describe('where a loss comes from', () => {
  it('the planted curve by position lies in its bands', () => {
    const loss: Planted['loss'] = ({ position }) => 0.004 * (position - 1)
    const report = analyse(planted({ records: 3_000, loss, arms: without('noise', 'reshuffled') }))
    const { byPosition, byBefore, byLength } = armOf(report, 50)
    expect(byPosition.map(({ from, to }) => [from, to])[9]).toEqual([0.9, 1])
    for (const { from, low, high, records, alone } of byPosition) {
      const truth = 0.85 - 0.004 * (50 * from + 2)
      expect(records).toBe(300)
      expect(low).toBeLessThan(truth)
      expect(high).toBeGreaterThan(truth)
      expect(Math.abs(alone - 0.85)).toBeLessThan(0.07)
    }
    expect(byBefore.map(({ from, to }) => [from, to])).toEqual([
      [0, 0],
      [1, 1],
      [2, 3],
      [4, 7],
      [8, 15],
      [16, 31],
      [32, 49],
    ])
    for (const { from, to, low, high } of byBefore) {
      const truth = 0.85 - 0.004 * ((from + to) / 2)
      expect(low).toBeLessThan(truth)
      expect(high).toBeGreaterThan(truth)
    }
    // The band of the begin has no curve of the end in it.
    expect(byPosition[9]!.high).toBeLessThan(byPosition[0]!.mean)
    expect(byLength.map(({ from, to }) => [from, to])).toEqual([
      [10, 17],
      [18, 25],
      [26, 33],
      [34, 41],
      [42, 49],
    ])
    expect(armOf(report, 1, 'alone').byPosition).toEqual([])
  })

  it('a label that packing adds gives an alarm, and stands first among the confusions', () => {
    const loss: Planted['loss'] = ({ arm }) => (arm.size === 25 ? 0.15 : 0)
    const wrong: Planted['wrong'] = ({ arm }) => (arm.size === 25 ? 'other' : 'card')
    const report = analyse(planted({ records: 1_500, loss, wrong, arms: without('noise', 'reshuffled') }))
    const { shares, confusions } = armOf(report, 25)
    expect(shares[0]).toMatchObject({ label: 'other', isAlarm: true })
    expect(shares[0]!.packed - shares[0]!.alone).toBeGreaterThan(0.08)
    expect(confusions[0]).toMatchObject({ said: 'other', alone: 0 })
    expect(armOf(report, 10).shares.some(({ isAlarm }) => isAlarm)).toBe(false)
    expect(armOf(report, 10).confusions).toEqual([])
    expect(report.recommendation.sentences.join('\n')).toMatch(
      /Packs of 25 say "other" too often: [\d.]+% of the records, [\d.]+% alone\./,
    )
  })

  it('neighbours are shown by a second shuffle, and noise is not taken for neighbours', () => {
    const none = analyse(planted({ records: 400, noise: 0.06 })).influence!
    expect(none.isShown).toBe(false)
    expect(none.beyond.low).toBeLessThan(0)
    const loss: Planted['loss'] = ({ arm, before, truth }) =>
      arm.size === 50 && before.at(-1) !== truth ? 0.2 : 0
    const shown = analyse(planted({ records: 2_000, noise: 0.06, loss })).influence!
    expect(shown).toMatchObject({ size: 50, isShown: true })
    expect(shown.packed.mean - shown.noise.mean).toBeCloseTo(shown.beyond.mean, 10)
  })

  it('records behind a run of one label are compared with the others', () => {
    const isInRun = ({ before }: { before: readonly string[] }): boolean =>
      before.length >= 2 && before.at(-1) === before.at(-2)
    const labels = ['yes', 'no']
    const loss: Planted['loss'] = (place) => (place.arm.size === 50 && isInRun(place) ? 0.4 : 0)
    const shown = analyse(
      planted({ records: 3_000, labels, loss, arms: without('noise', 'reshuffled') }),
    ).runs!
    expect(shown.isShown).toBe(true)
    expect(shown.difference.mean).toBeGreaterThan(0.3)
    expect(Math.abs(shown.others.mean)).toBeLessThan(0.02)
    expect(shown.inRuns.records + shown.others.records).toBe(3_000 - 2 * 60)
    expect(analyse(planted({ records: 200, labels })).runs!.isShown).toBe(false)
  })
})

describe('what an arm takes and costs', () => {
  it('is summed over blocks and divided by records', () => {
    const report = analyse(
      planted({ records: 200, cost: ({ size }) => 2 / size, perSecond: ({ size }) => size }),
    )
    expect(armOf(report, 25)).toMatchObject({ requests: 8, costPer1000: 0.08 })
    expect(armOf(report, 25).speed).toMatchObject({ firstResultMs: 300, p50Ms: 540, p95Ms: 760 })
    expect(armOf(report, 25).speed.recordsPerSecond).toBeCloseTo(25, 8)
    expect(armOf(report, 25).tokens).toEqual({ input: 20, cached: 0, output: 8, reasoning: 0 })
    expect(report.cost).toBeCloseTo((2 + 2 + 0.2 + 0.08 + 0.04 + 0.04) / 5, 10)
    expect(analyse(planted({ records: 100, cost: () => undefined })).cost).toBeUndefined()
  })
})

describe('an eval that ends early', () => {
  const loss: Planted['loss'] = ({ arm }) => (arm.size === 10 ? 0.3 : 0)
  const evaluation = planted({ records: 3_000, loss, arms: without('noise', 'reshuffled') })
  const blocks = [...Map.groupBy(evaluation.trials, ({ block }) => block).values()]

  it('stops an arm that lost beyond the margin at any time, and gives it the interval of all times', () => {
    const early = new EarlyStop(evaluation, 0.02)
    const lost = blocks.map((block) => early.add(block))
    expect(lost[0]).toEqual([])
    expect(lost.at(-1)).toEqual(['packs of 10'])
    const last = lost.findIndex((names) => names.length > 0)
    const trials = evaluation.trials.filter(({ arm, block }) => arm !== 'packs of 10' || block <= last)
    const { loss, isStopped, records } = armOf(analyse({ ...evaluation, trials }), 10)
    expect(isStopped).toBe(true)
    expect(records).toBe(200 * (last + 1))
    expect(loss).toMatchObject({ verdict: 'beyond', more: 0, ...loss!.always })
    expect(loss!.always.low).toBeGreaterThan(0.02)
    expect(armOf(analyse(evaluation), 10).isStopped).toBe(false)
  })

  it('says so, and a user who ended it gets the interval of all times', () => {
    const trials = blocks.slice(0, 5).flat()
    const aborted = analyse({ ...evaluation, trials, stopped: 'aborted' })
    const capped = analyse({ ...evaluation, trials, stopped: 'max_cost' })
    const { loss } = armOf(aborted, 25)
    expect(loss).toMatchObject(loss!.always)
    expect(armOf(capped, 25).loss!.high).toBeLessThan(loss!.high)
    expect(aborted.recommendation.sentences.join('\n')).toContain('was ended after 1,000 of 3,000 records')
    expect(capped.recommendation.sentences.join('\n')).toContain(
      'cap ended the eval after 1,000 of 3,000 records',
    )
  })
})

describe('whatever is missing', () => {
  const evaluation = planted({ records: 60 })
  const rejected = evaluation.trials.map((trial) => ({ ...trial, status: 'rejected' as const }))
  const never = rejected.map((trial) => ({
    ...trial,
    request: undefined,
    position: undefined,
    ms: undefined,
  }))
  const cases: Record<string, Partial<Evaluation>> = {
    nothing: { trials: [], spents: [], sample: [] },
    'no trials': { trials: [], spents: [] },
    'no arms': { arms: [], trials: [], spents: [] },
    'one block': {},
    'no gold, no noise arm': {
      arms: ARMS.filter(({ kind }) => kind !== 'noise'),
      sample: evaluation.sample.map(({ tokens }) => ({ tokens })),
    },
    'all rejected': { trials: rejected },
    'never sent': { trials: never },
    'only packs': { trials: evaluation.trials.filter(({ arm }) => arm !== 'packs of 1') },
    'one record': { trials: evaluation.trials.filter(({ record }) => record === 0) },
    'one label': plant({ records: 60, seed: 1, labels: ['a'] }),
    'no difference': plant({ records: 60, seed: 1, accuracy: 1 }),
    'no label': { label: undefined },
    'no time': { spents: evaluation.spents.map((spent) => ({ ...spent, seconds: 0, records: 0 })) },
  }
  it.each(Object.keys(cases))('%s: every number is finite, and there is an answer', (name) => {
    const report = analyse({ ...evaluation, ...cases[name] })
    const check = (value: unknown, path: string): void => {
      if (typeof value === 'number') expect(Number.isFinite(value), path).toBe(true)
      else if (typeof value === 'object' && value !== null)
        for (const [key, one] of Object.entries(value)) check(one, `${path}.${key}`)
    }
    check(report, name)
    expect(report.recommendation.kind).toBe('unclear')
    expect(report.recommendation.sentences.join(' ')).not.toMatch(/NaN|Infinity|undefined/)
  })
})
