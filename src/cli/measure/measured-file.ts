import * as z from 'zod'
import { readText } from '../flags/config.ts'
import { UsageError } from '../flags/usage-error.ts'
import type { Measured } from './meter.ts'

const above0 = z.number().positive()
const quantiles = z
  .object({ p10: above0, p50: above0, p90: above0 })
  .refine(({ p10, p50, p90 }) => p10 <= p50 && p50 <= p90, 'expected p10, p50 and p90 in ascending order')
const summary = z.object({
  measured: z
    .object({
      ...{ requests: z.int().positive(), records: z.int().positive() },
      ...{ timeToFirstToken: quantiles, outputTokensPerSecond: quantiles, outputTokensPerRecord: above0 },
    })
    .optional(),
})

/**
 * Reads the measurements in the summary of a run.
 *
 * @throws {UsageError} Naming the file, and the part that `run --json` would print in another way.
 */
export function readMeasured(file: string): Measured {
  const fail = (why: string, cause?: unknown): never => {
    throw new UsageError(`--measured: ${file}: expected the output of run --json${why}`, { cause })
  }
  const text = readText(file, '--measured')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    fail(`: ${(cause as Error).message}`, cause)
  }
  const { data, error } = summary.safeParse(value)
  if (error) {
    const [issue] = error.issues
    fail(`: ${[issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')}`, error)
  }
  return data?.measured ?? fail(', from a run that sent requests')
}
