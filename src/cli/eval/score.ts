import { UsageError } from '../flags/usage-error.ts'
import { importModule } from '../task/user-module.ts'
import type { Item } from '../rows/item.ts'

/** How good a value is, from 0 to 1. */
export type Score = (value: unknown, gold: unknown, record: Item['own']) => number

/** Reads the function of `--score`. */
export async function readScore(file: string): Promise<Score> {
  const module = await importModule(file, '--score')
  const score = module['default'] ?? module['score']
  if (typeof score === 'function') return score as Score
  throw new UsageError(
    `--score: ${file}: expected a function of value, gold and record, as its default export or as \`score\``,
  )
}
