import { evaluate, type EvalReport } from 'llm-pack-stream/eval'
import * as z from 'zod'
import type { Quality } from '../../src/simulator/quality/options.ts'
import { qualityClient } from './quality-client.ts'

const LABELS = ['card', 'fee', 'loan', 'pin'] as const
/** The labels are in no order. */
const gold = (text: string) => LABELS[Math.floor(Math.abs(Math.sin(Number(text.split(' ')[1])) * 1e4)) % 4]!

/** Evaluates a model that errs by plan, with the records of the seed. */
export function plantedEval(
  plan: Omit<Quality, 'truth' | 'seed'>,
  { records, sizes, seed }: { records: number; sizes: readonly number[]; seed: number },
): Promise<EvalReport> {
  const texts = Array.from({ length: records }, (_, at) => `message ${at + 1_000_000 * seed} of a customer`)
  const client = qualityClient({ truth: gold, seed, ...plan })
  const task = { client, model: 'm', instructions: 'Label.', schema: z.enum(LABELS) }
  return evaluate({ ...task, records: texts, gold, sizes, seed, maxPackTokens: 100_000 })
}

/** The planted share of right answers with `from` to `to` records before them, all equally many. */
export function expectedScore(
  plan: { accuracy: number; perPosition: number },
  from: number,
  to: number,
): number {
  return plan.accuracy - (plan.perPosition * (from + to)) / 2 / 100
}
