import type { AuditFindings, AuditStage } from '../accounts/stats.ts'
import { seededRandom } from '../base/random.ts'
import { questionOf, type Entry } from '../record/entry.ts'
import type { Outcome } from '../record/outcome.ts'
import type { AuditRules } from './rules.ts'
import { compare, Stage, type Comparison } from './stage.ts'

/** Spreads the seeds of neighbouring records. The golden ratio, as in a Fibonacci hash. */
const SPREAD = 0x9e3779b1

/** What the audit needs from the stream. */
export interface AuditListener<R, T> {
  /** Sends a question, alone. */
  ask: (question: Entry<R>, onAnswer: (outcome: Outcome<R, T>) => void) => void
  /** It is established that packing changes too many answers. */
  onFinding: (finding: Finding) => void
}

/** It is established that packing changes more answers than the margin allows. */
export interface Finding {
  readonly stage: AuditStage
  readonly margin: number
  /** Number of records in a pack from now on. `undefined` without `guard`. */
  readonly packRecords: number | undefined
}

/** A record with its packed answer, and its answers alone as they come. */
interface Audited<R, T> {
  readonly entry: Entry<R>
  readonly packed: T
  readonly unit: Unit<R, T>
  readonly alone: T[]
  /** Number of questions without an end. */
  left: number
}

/** The audited records of one pack. */
interface Unit<R, T> {
  readonly size: number
  readonly records: Audited<R, T>[]
  readonly comparisons: Comparison[]
  /** Number of records without both answers. */
  open: number
}

/**
 * Watches what packing changes while a job runs. A share of the records is asked twice more, alone.
 * It changes no outcome, and holds back no record.
 *
 * The questions of a pack are asked when its request has ended, because only then all its audited
 * records are known. So their number is bounded by the number of running requests.
 */
export class Audit<R, T> {
  readonly #rules: AuditRules<T>
  readonly #maxAttempts: number
  readonly #listener: AuditListener<R, T>
  /** The audited records of running requests, by the number of the request. */
  readonly #running = new Map<number, Unit<R, T>>()
  readonly #steps: AuditStage[] = []
  #packRecords: number
  #stage: Stage
  #hasTold = false
  #dropped = 0

  /**
   * @param maxPackRecords Largest number of records in one pack, before any step.
   * @param maxAttempts Number of requests for one question.
   */
  constructor(
    rules: AuditRules<T>,
    maxPackRecords: number,
    maxAttempts: number,
    listener: AuditListener<R, T>,
  ) {
    this.#rules = rules
    this.#packRecords = maxPackRecords
    this.#maxAttempts = maxAttempts
    this.#listener = listener
    this.#stage = new Stage(maxPackRecords, rules.margin, 1)
  }

  /** Whether questions will be asked when a request has ended. */
  get isOpen(): boolean {
    return this.#running.size > 0
  }

  get findings(): AuditFindings {
    const { margin } = this.#rules
    return { ...this.#stage.snapshot, margin, dropped: this.#dropped, steps: Object.freeze([...this.#steps]) }
  }

  /**
   * A record has its outcome.
   *
   * @param request The running request whose answer decided it. With ballots, the pack of the
   *   outcome may be an earlier request. `undefined`: the value comes from elsewhere.
   */
  settled(entry: Entry<R>, outcome: Outcome<R, T>, request: number | undefined): void {
    if (outcome.status === 'rejected' || !outcome.pack || request === undefined) return
    const { size } = outcome.pack
    // A record alone has the same answer alone. A larger pack than the limit left before a step.
    if (size < 2 || size > this.#packRecords || !this.#isDrawn(entry.index)) return
    const unit = this.#running.get(request) ?? { size, records: [], comparisons: [], open: 0 }
    this.#running.set(request, unit)
    unit.records.push({ entry, packed: outcome.value, unit, alone: [], left: 2 })
    unit.open += 1
  }

  /** A request has ended, and all its records have their outcomes. */
  ended(request: number): void {
    const unit = this.#running.get(request)
    this.#running.delete(request)
    for (const audited of unit?.records ?? []) {
      for (const number of [1, 2]) {
        this.#listener.ask(aloneOf(audited.entry, number, this.#maxAttempts), (outcome) => {
          this.#answered(audited, outcome)
        })
      }
    }
  }

  /** A question has its answer, or is rejected. Then the record is not compared. */
  #answered(audited: Audited<R, T>, outcome: Outcome<R, T>): void {
    const { unit, alone, packed } = audited
    if (outcome.status === 'fulfilled') alone.push(outcome.value)
    audited.left -= 1
    if (audited.left > 0) return
    if (alone.length === 2) unit.comparisons.push(compare(packed, alone as [T, T], this.#rules.same))
    else this.#dropped += 1
    unit.open -= 1
    if (unit.open === 0) this.#close(unit)
  }

  #close({ size, comparisons }: Unit<R, T>): void {
    if (comparisons.length === 0 || size > this.#packRecords) return
    this.#stage.add(size, comparisons)
    if (!this.#stage.isBeyond || this.#hasTold) return
    const { guard, margin } = this.#rules
    const stage = this.#stage.snapshot
    if (guard) {
      this.#packRecords = this.#stage.smaller
      this.#steps.push(stage)
      this.#stage = new Stage(this.#packRecords, margin, this.#steps.length + 1)
    } else this.#hasTold = true
    this.#listener.onFinding({ stage, margin, packRecords: guard ? this.#packRecords : undefined })
  }

  #isDrawn(index: number): boolean {
    const { seed, share } = this.#rules
    return seededRandom(Math.imul(index + 1, SPREAD) ^ seed)() < share
  }
}

/** The record as a question that shares no pack and no result, and has its own attempts. */
function aloneOf<R>(entry: Entry<R>, number: number, maxAttempts: number): Entry<R> {
  return {
    ...questionOf(entry, maxAttempts, 1),
    ...{ isAudit: true as const, partition: `\0audit ${entry.index} ${number}`, cacheKey: undefined },
  }
}
