import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { RowError } from '../files/row.ts'
import { wholeText } from '../files/read/whole-text.ts'
import type { PriceTable } from './price-table.ts'

const dollars = z.number().min(0)
const day = z.iso.date()
const host = z
  .string()
  .regex(
    /^[a-z\d._-]+$|^\[[\da-f:]+\]$/,
    'expected the name of a host in small letters, such as api.openai.com',
  )
const listed = z.strictObject({
  ...{ input: dollars, cachedInput: dollars.optional(), cacheWrite: dollars.optional(), output: dollars },
  ...{ from: day.optional(), note: z.string().optional() },
})
const positive = z.number().positive()
const lane = z.strictObject({
  ...{ name: z.string(), factor: dollars, source: z.string(), date: day, note: z.string().optional() },
  ...{ withinHours: positive.optional(), models: z.array(z.string()).optional() },
  minutes: z.strictObject({ low: positive, high: positive }).optional(),
})
const table = z.array(
  z.strictObject({
    ...{ provider: z.string(), source: z.string(), date: day },
    ...{ hosts: z.array(host).min(1).optional(), prefix: z.string().optional() },
    models: z.record(z.string(), z.union([listed, z.array(listed).min(1)])),
    lanes: z.array(lane).optional(),
  }),
)

/**
 * Reads a price table from a JSON file in UTF-8 or UTF-16.
 *
 * @throws {Error} If the file cannot be read or is no price table. The message names the file and
 *   the entry.
 */
export function readPrices(file: string): PriceTable {
  const fail = (why: string, cause: unknown): never => {
    throw new Error(`${file}: expected a price table: ${why}`, { cause })
  }
  let value: unknown
  try {
    value = JSON.parse(wholeText(readFileSync(file), file))
  } catch (cause) {
    if (cause instanceof RowError) throw cause
    return fail((cause as Error).message, cause)
  }
  const { data, error } = table.safeParse(value)
  if (error) return fail(firstIssue(error.issues), error)
  return data
}

/** `[0].models["gpt-4o-mini"].input: ...` */
function firstIssue([issue]: readonly z.core.$ZodIssue[], within: readonly PropertyKey[] = []): string {
  if (!issue) return 'it is not one'
  const path = [...within, ...issue.path]
  // Of the two forms of a price, the message is about the form that has the fewest faults.
  if (issue.code === 'invalid_union') {
    const [closest] = issue.errors.toSorted((a, b) => (b[0]?.path.length ?? 0) - (a[0]?.path.length ?? 0))
    if (closest) return firstIssue(closest, path)
  }
  const place = path.map((key) =>
    typeof key === 'number'
      ? `[${key}]`
      : /^\w+$/.test(String(key))
        ? `.${String(key)}`
        : `["${String(key)}"]`,
  )
  const where = place.join('').replace(/^\./, '')
  return where === '' ? issue.message : `${where}: ${issue.message}`
}
