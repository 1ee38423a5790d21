import type { Usage } from '../api/answer.ts'

/** What an arm is for. */
export type ArmKind =
  /** One record in each request. All other arms are compared with this arm. */
  | 'alone'
  /** The same once more: how often does the model contradict itself? */
  | 'noise'
  /** Packs of one size. */
  | 'packed'
  /** The largest packs once more, in another order: how much do neighbours and places decide? */
  | 'reshuffled'
  /** Another way to spend, such as votes, a second model, or more examples. */
  | 'extra'

/** One way to ask all records of the sample. */
export interface Arm {
  /** A name for people, such as `packs of 10`. It is unique. */
  readonly name: string
  readonly kind: ArmKind
  /** Largest number of records in one request. */
  readonly size: number
}

/** A record of the sample in one arm. */
export interface Trial {
  readonly arm: string
  readonly block: number
  /** Position of the record in the sample, from 0. */
  readonly record: number
  /**
   * Number of the group within its block and arm, from 0. The records of a group were planned for
   * one request, so their answers depend on each other. In an arm whose records meet in several
   * requests, the whole block is one group.
   */
  readonly group: number
  /** Number of the request that held the value, within the arm. `undefined`: never sent. */
  readonly request: number | undefined
  /** Position in that request, from 1, and its number of records. */
  readonly position: number | undefined
  readonly size: number | undefined
  /** Number of requests that carried the record. */
  readonly attempts: number
  /** Milliseconds from the start of that request to the outcome. `undefined`: never sent. */
  readonly ms: number | undefined
  readonly status: 'fulfilled' | 'rejected'
  /** The value of a fulfilled record. */
  readonly value?: unknown
  /** The code of the reason of a rejected record. */
  readonly code?: string
}

/** What all records of a block cost in one arm. */
export interface Spent {
  readonly arm: string
  readonly block: number
  readonly records: number
  readonly seconds: number
  readonly requests: number
  readonly tokens: Usage
  /** US dollars. `undefined` without prices. */
  readonly cost: number | undefined
}

/** A record of the sample, as the analysis sees it. */
export interface SampleRecord {
  /** Length of its text, in tokens of the pack's budget. */
  readonly tokens: number
  /** The right answer. `undefined` without gold. */
  readonly gold?: unknown
}
