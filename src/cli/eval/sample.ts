import { UsageError } from '../flags/usage-error.ts'
import { Reservoir } from '../measure/reservoir.ts'
import type { Item } from '../rows/item.ts'
import { whole } from '../terminal/words.ts'
import type { Gold } from './gold.ts'

/** A record of the sample. */
export interface Asked {
  readonly item: Item
  /** `undefined` without `--gold`. */
  readonly gold: unknown
}

/** A sample of an input, and what is not in it. */
export interface Sample {
  readonly records: readonly Asked[]
  /** Records that could be asked. */
  readonly usable: number
  /** Rows that are broken or without text, and records without a right result. */
  readonly unreadable: number
  readonly withoutGold: number
  /** Records of the sample whose right result the schema does not allow, and the first. */
  readonly notAllowed: number
  readonly firstNotAllowed: Asked | undefined
}

/** Draws a sample from the whole input. The same input and seed give the same sample. */
export async function drawSample(
  items: AsyncIterable<Item>,
  size: number,
  seed: number,
  gold: Gold | undefined,
): Promise<Sample> {
  const drawn = new Reservoir<Asked>(size, seed)
  let [unreadable, withoutGold] = [0, 0]
  for await (const item of items) {
    if (typeof item.text !== 'string') {
      unreadable += 1
      continue
    }
    const right = gold && goldOf(item, gold)
    if (gold && right === undefined) withoutGold += 1
    else drawn.offer(() => ({ item, gold: right }))
  }
  const records = drawn.values
  const notAllowed = gold ? records.filter((record) => !gold.isAllowed(record.gold)) : []
  return {
    ...{ records, usable: drawn.seen, unreadable, withoutGold },
    ...{ notAllowed: notAllowed.length, firstNotAllowed: notAllowed[0] },
  }
}

function goldOf({ own, file, line }: Item, gold: Gold): unknown {
  try {
    return gold.of(own)
  } catch (cause) {
    throw new UsageError(`--gold: ${placeOf(file, line)}: ${(cause as Error).message}`, { cause })
  }
}

const placeOf = (file: string, line: number): string => `${file === '-' ? 'stdin' : file}:${line}`

/**
 * What a person must know of the sample.
 *
 * @throws {UsageError} If no record can be asked, or no right result can be right.
 */
export function sampleNotes(sample: Sample): string[] {
  const { records, usable, unreadable, withoutGold, notAllowed, firstNotAllowed } = sample
  const left = [
    ...(unreadable > 0 ? [`rows that are broken or without text: ${whole(unreadable)}`] : []),
    ...(withoutGold > 0 ? [`records without a value in --gold: ${whole(withoutGold)}`] : []),
  ]
  const leftOut = left.length === 0 ? [] : [`Left out: ${left.join(', ')}.`]
  if (usable === 0) throw new UsageError(['Expected records to ask, and found none.', ...leftOut].join(' '))
  if (!firstNotAllowed) return leftOut
  const { item, gold } = firstNotAllowed
  const which = `${JSON.stringify(gold)} at ${placeOf(item.file, item.line)}`
  if (notAllowed === records.length) {
    throw new UsageError(
      `--gold: expected results that the schema allows, and found none. The first of the sample is ${which}`,
    )
  }
  return [
    ...leftOut,
    `The schema does not allow the right result of ${whole(notAllowed)} of ${whole(records.length)} records, such as ${which}: an answer can never be right.`,
  ]
}
