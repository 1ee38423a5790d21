import { describe, expect, it } from 'vitest'
import { Audit, type Finding } from '../../src/audit/audit.ts'
import type { AuditRules } from '../../src/audit/rules.ts'
import type { Entry } from '../../src/record/entry.ts'
import { RecordError } from '../../src/record/errors.ts'
import type { Outcome } from '../../src/record/outcome.ts'
import { entryOf } from '../helpers/entry.ts'

/** An audit of all records, with what it asks and finds. */
function auditOf(rules: Partial<AuditRules<string>> = {}, maxPackRecords = 4) {
  const questions: { entry: Entry<string>; answer: (outcome: Outcome<string, string>) => void }[] = []
  const findings: Finding[] = []
  const audit = new Audit<string, string>(
    { ...{ share: 1, margin: 0.02, guard: false, seed: 1, same: (a, b) => a === b }, ...rules },
    maxPackRecords,
    4,
    {
      ask: (entry, answer) => questions.push({ entry, answer }),
      onFinding: (finding) => findings.push(finding),
    },
  )
  return { audit, questions, findings }
}

const fulfilled = ({ index, record }: Entry<string>, value: string, pack?: object) =>
  ({ status: 'fulfilled', index, record, value, attempts: 1, ...(pack && { pack }) }) as Outcome<
    string,
    string
  >

const rejected = ({ index, record }: Entry<string>): Outcome<string, string> => {
  const reason = new RecordError('missing_result', 'none')
  return { status: 'rejected', index, record, reason, attempts: 1 }
}

/** Settles a pack of records with one value, and ends its request. */
function settlePack(
  audit: Audit<string, string>,
  request: number,
  indexes: readonly number[],
  value: string,
) {
  indexes.forEach((index, at) => {
    const pack = { request, responseId: undefined, position: at + 1, size: indexes.length }
    audit.settled(
      entryOf(index, { partition: 'tenant', cacheKey: 'key', attempts: 2 }),
      fulfilled(entryOf(index), value, pack),
      request,
    )
  })
  audit.ended(request)
}

describe('the questions', () => {
  it('are two for each record, each alone, when the request of the pack has ended', () => {
    const { audit, questions } = auditOf()
    const pack = { request: 1, responseId: undefined, position: 1, size: 2 }
    audit.settled(entryOf(7), fulfilled(entryOf(7), 'x', pack), 1)
    expect([questions.length, audit.isOpen]).toEqual([0, true])
    audit.ended(1)
    expect(questions.map(({ entry }) => entry.index)).toEqual([7, 7])
    expect(new Set(questions.map(({ entry }) => entry.partition)).size).toBe(2)
    for (const { entry: question } of questions) {
      expect(question).toMatchObject({
        isAudit: true,
        maxCompany: 1,
        attempts: 0,
        attemptsLeft: 4,
        text: 'record 7',
      })
      expect(question.cacheKey).toBeUndefined()
    }
  })

  it('leave out a record that was alone, was rejected, or has its value from elsewhere', () => {
    const { audit, questions } = auditOf()
    const alone = { request: 1, responseId: undefined, position: 1, size: 1 }
    audit.settled(entryOf(0), fulfilled(entryOf(0), 'x', alone), 1)
    audit.settled(entryOf(1), rejected(entryOf(1)), 1)
    audit.settled(entryOf(2), fulfilled(entryOf(2), 'x'), 1)
    audit.settled(entryOf(3), fulfilled(entryOf(3), 'x', { ...alone, size: 2 }), undefined)
    audit.ended(1)
    expect([questions.length, audit.isOpen]).toEqual([0, false])
  })

  it.each([0, 0.02, 0.3, 1])('are for a share of %f of the records, drawn by the seed', (share) => {
    const drawn = (seed: number): number[] => {
      const { audit, questions } = auditOf({ share, seed })
      for (let request = 0; request < 500; request++) {
        settlePack(
          audit,
          request,
          [0, 1, 2, 3].map((at) => 4 * request + at),
          'x',
        )
      }
      return questions.filter((_, at) => at % 2 === 0).map(({ entry }) => entry.index)
    }
    const [one, same, other] = [drawn(1), drawn(1), drawn(2)]
    expect(same).toEqual(one)
    // Four standard deviations.
    const room = 4 * Math.sqrt(2_000 * share * (1 - share))
    expect(Math.abs(one.length - 2_000 * share)).toBeLessThanOrEqual(room)
    const inBoth = one.filter((index) => other.includes(index)).length
    expect(Math.abs(inBoth - 2_000 * share ** 2)).toBeLessThanOrEqual(4 * Math.sqrt(2_000) * share)
  })
})

describe('the answers', () => {
  it('count when all records of the pack have both', () => {
    const { audit, questions } = auditOf()
    settlePack(audit, 1, [0, 1], 'x')
    questions.slice(0, 3).forEach(({ entry, answer }) => {
      answer(fulfilled(entry, 'x'))
    })
    expect(audit.findings.records).toBe(0)
    questions[3]?.answer(fulfilled(entryOf(1), 'y'))
    expect(audit.findings).toMatchObject({ records: 2, disagreement: 0.25, noise: 0.5, dropped: 0 })
  })

  it('of a record with a rejected question do not count, and the others of the pack do', () => {
    const { audit, questions } = auditOf()
    settlePack(audit, 1, [0, 1], 'x')
    questions.forEach(({ entry, answer }, at) => {
      answer(at === 0 ? rejected(entry) : fulfilled(entry, 'x'))
    })
    expect(audit.findings).toMatchObject({ records: 1, disagreement: 0, dropped: 1 })
    settlePack(audit, 2, [2, 3], 'x')
    for (const { entry, answer } of questions.slice(4)) answer(rejected(entry))
    expect(audit.findings).toMatchObject({ records: 1, dropped: 3 })
  })
})

/** Settles packs whose packed answers are all different from the answers alone. */
function lose(audited: ReturnType<typeof auditOf>, packs: number, size: number): void {
  for (let request = 1; request <= packs; request++) {
    settlePack(
      audited.audit,
      request,
      Array.from({ length: size }, (_, at) => at),
      'packed',
    )
    for (const { entry, answer } of audited.questions.splice(0)) answer(fulfilled(entry, 'alone'))
  }
}

describe('a finding', () => {
  it('comes once without a guard, and packs stay as they are', () => {
    const audited = auditOf()
    lose(audited, 50, 4)
    expect(audited.findings).toHaveLength(1)
    expect(audited.findings[0]).toMatchObject({
      margin: 0.02,
      packRecords: undefined,
      stage: { packRecords: 4 },
    })
    expect(audited.audit.findings).toMatchObject({ packRecords: 4, records: 200, steps: [] })
  })

  it('makes packs smaller with a guard, and a new stage begins', () => {
    const audited = auditOf({ guard: true })
    lose(audited, 50, 4)
    expect(audited.findings).toHaveLength(1)
    const { packRecords, stage } = audited.findings[0]!
    expect([packRecords, stage.packRecords]).toEqual([1, 4])
    expect(stage.interval.low).toBeGreaterThan(0.02)
    // The later packs were larger than the limit, so the audit asks nothing about them.
    expect(audited.audit.findings).toMatchObject({ packRecords: 1, records: 0, disagreement: undefined })
    expect(audited.audit.findings.steps).toEqual([stage])
    expect(stage.records).toBeLessThan(100)
  })

  it('leaves out answers about packs that left before the step', () => {
    const audited = auditOf({ guard: true })
    const { audit, questions, findings } = audited
    settlePack(audit, 100, [0, 1, 2, 3], 'packed')
    const early = questions.splice(0)
    lose(audited, 50, 4)
    for (const { entry, answer } of early) answer(fulfilled(entry, 'alone'))
    expect([findings.length, audit.findings.records]).toEqual([1, 0])
  })
})
