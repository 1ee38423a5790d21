import { Audit } from '../../src/audit/audit.ts'
import type { Entry } from '../../src/record/entry.ts'
import type { Outcome } from '../../src/record/outcome.ts'
import { entryOf } from '../helpers/entry.ts'
import { random as randomOf } from '../helpers/random.ts'

interface Job {
  readonly seed: number
  readonly records: number
  readonly share: number
  readonly margin: number
  readonly packRecords: number
  /** Points that a record loses on average in a full pack. Each place loses as much as the last. */
  readonly points: number
  /** Share of the answers that change from right to wrong or back when they are asked again. */
  readonly noise: number
}

/** Share of records that are right alone. */
const ACCURACY = 0.85

/** A job with a guard, of packs whose answers are right or wrong, without a stream and a server. */
export function guardedJob({ seed, records, share, margin, packRecords, points, noise }: Job) {
  const random = randomOf(seed)
  const perPosition = points / 100 / ((packRecords - 1) / 2)
  // As in the simulator: a record has a difficulty, and noise moves it.
  const isRight = (difficulty: number, lost: number): boolean =>
    difficulty + 3 * noise * (random() - 0.5) < ACCURACY - lost
  let size = packRecords
  const sizes = [size]
  const questions: { entry: Entry<string>; answer: (outcome: Outcome<string, boolean>) => void }[] = []
  const audit = new Audit<string, boolean>(
    { share, margin, guard: true, seed, same: (a, b) => a === b },
    packRecords,
    4,
    {
      ask: (entry, answer) => questions.push({ entry, answer }),
      onFinding: ({ packRecords: smaller = size }) => {
        size = smaller
        sizes.push(size)
      },
    },
  )
  let [wrong, index] = [0, 0]
  for (let request = 1; index < records; request++) {
    const difficulties = new Map<number, number>()
    const pack = Array.from({ length: Math.min(size, records - index) }, () => entryOf(index++))
    pack.forEach((entry, at) => {
      const difficulty = random()
      difficulties.set(entry.index, difficulty)
      const value = isRight(difficulty, perPosition * at)
      if (!value) wrong += 1
      const info = { request, responseId: undefined, position: at + 1, size: pack.length }
      const { index: place, record } = entry
      audit.settled(
        entry,
        { status: 'fulfilled', index: place, record, value, attempts: 1, pack: info },
        request,
      )
    })
    audit.ended(request)
    for (const { entry, answer } of questions.splice(0)) {
      const value = isRight(difficulties.get(entry.index) ?? 0, 0)
      const { index: place, record } = entry
      answer({ status: 'fulfilled', index: place, record, value, attempts: 1 })
    }
  }
  return { loss: wrong / records - (1 - ACCURACY), sizes, findings: audit.findings }
}
