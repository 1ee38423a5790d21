import * as z from 'zod'
import { TokenEstimator } from '../../engine/index.ts'
import type { Pricing } from '../../index.ts'
import type { HttpClient } from '../task/http-client.ts'

/** A text, and the label that it should get. */
export interface Labelled {
  readonly text: string
  readonly label: string
}

/** Texts to label. */
export interface Sample {
  readonly records: readonly Labelled[]
  readonly labels: readonly string[]
  readonly instructions: string
}

/** A sample, and who labels it. */
export interface DemoJob extends Sample {
  readonly client: HttpClient
  readonly model: string
  readonly pricing: Pricing | undefined
  readonly signal: AbortSignal
}

/** The account of a job so far. Times are milliseconds. */
export interface Measured {
  /** Records with an outcome. */
  readonly records: number
  readonly fulfilled: number
  /** Records whose label is the same as in the sample. */
  readonly same: number
  readonly requests: number
  readonly inFlight: number
  readonly elapsed: number
  readonly timeToFirstResult: number
  readonly tokens: { readonly input: number; readonly cached: number; readonly output: number }
  readonly cost: number | undefined
  /** The requests that Ctrl-C broke off, and an estimate of their tokens. */
  readonly aborted: { readonly requests: number; readonly tokens: number }
}

export type OnMeasured = (measured: Measured) => void

export const MAX_IN_FLIGHT = 4
export const MAX_PACK_RECORDS = 25

export const schemaOf = (labels: readonly string[]) =>
  z.object({ label: z.enum(labels), confidence: z.number() })

/** An estimate by the length of the texts, without a tokenizer. */
export function tokensIn(texts: readonly string[]): number {
  const estimator = new TokenEstimator(0)
  return texts.reduce((sum, text) => sum + estimator.text(Buffer.byteLength(text)), 0)
}
