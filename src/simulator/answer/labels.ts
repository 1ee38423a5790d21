import { hashText, mix } from '../hash.ts'
import type { Verdict } from '../quality/model.ts'
import { nameKeys, textKeys } from './words.ts'

/**
 * The subject of a value: one record, or the whole message. The words are found only once. The
 * choices are kept, because a confidence needs the choice of its label.
 */
export type Subject = {
  /** The record's id, as written in the prompt. */
  id: string
  /** The record's position in the prompt, from 1. */
  position: number
  text: string
  hash: number
  readonly keys: readonly string[]
  choices: Map<Labels, Choice>
  /** What the answer shall be, by the option `quality`. */
  readonly verdict: Verdict | undefined
}

/** A chosen label, and the share of its words that the text contains, from 0 to 1. */
type Choice = { value: unknown; share: number }

/**
 * Makes a subject. Its words are found at the first use, because a message with records is usually
 * not a subject itself.
 */
export function makeSubject(id: string, position: number, text: string, verdict?: Verdict): Subject {
  let keys: readonly string[] | undefined
  return {
    id,
    position,
    text,
    hash: hashText(text),
    get keys() {
      return (keys ??= textKeys(text))
    },
    choices: new Map(),
    verdict,
  }
}

/**
 * The values of one enum with their words, prepared once per schema. The words of a text lead
 * directly to the labels that contain them, so a choice among many labels costs little more than a
 * choice among few labels. Rare words have more weight: among seventy labels about cards, the word
 * `card` decides little.
 */
export class Labels {
  readonly values: readonly unknown[]
  readonly #hashes: number[]
  readonly #labelsByKey = new Map<string, { weight: number; labels: number[] }>()
  readonly #weights: Float64Array
  readonly #scores: Float64Array

  constructor(values: readonly unknown[]) {
    this.values = values
    const names = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    this.#hashes = names.map(hashText)
    this.#weights = new Float64Array(values.length)
    this.#scores = new Float64Array(values.length)
    for (const [label, name] of names.entries()) {
      for (const key of nameKeys(name)) {
        const entry = this.#labelsByKey.get(key)
        if (entry === undefined) this.#labelsByKey.set(key, { weight: 0, labels: [label] })
        else entry.labels.push(label)
      }
    }
    for (const entry of this.#labelsByKey.values()) {
      entry.weight = Math.log(1 + values.length / entry.labels.length)
      for (const label of entry.labels) this.#weights[label] = (this.#weights[label] ?? 0) + entry.weight
    }
  }

  /**
   * Chooses the label whose words the text covers best. A stable hash decides between equal labels,
   * also if no word matches.
   */
  choose(subject: Subject): Choice {
    const known = subject.choices.get(this)
    if (known !== undefined) return known
    const scores = this.#score(subject)
    let best = 0
    for (let label = 1; label < scores.length; label++) {
      if (this.#isBetter(label, best, subject)) best = label
    }
    const choice = { value: this.values[best], share: this.#shareOf(best) }
    subject.choices.set(this, choice)
    return choice
  }

  /**
   * Returns the labels that share a word with the text, the best label first. Returns at least
   * `least` and at most `most` labels.
   */
  chooseSeveral(subject: Subject, least: number, most: number): unknown[] {
    const scores = this.#score(subject)
    const order = this.values.map((_, label) => label)
    order.sort((a, b) => (a === b ? 0 : this.#isBetter(a, b, subject) ? -1 : 1))
    const overlapping = scores.reduce((count, score) => (score > 0 ? count + 1 : count), 0)
    const count = Math.min(Math.max(overlapping, least), most)
    return order.slice(0, count).map((label) => this.values[label])
  }

  #score(subject: Subject): Float64Array {
    const scores = this.#scores.fill(0)
    for (const key of subject.keys) {
      const entry = this.#labelsByKey.get(key)
      if (entry === undefined) continue
      for (const label of entry.labels) scores[label] = (scores[label] ?? 0) + entry.weight
    }
    return scores
  }

  #isBetter(label: number, than: number, subject: Subject): boolean {
    const byScore = (this.#scores[label] ?? 0) - (this.#scores[than] ?? 0)
    if (byScore !== 0) return byScore > 0
    // Of two labels with the same score, the label with fewer unmatched words is better.
    const byShare = this.#shareOf(label) - this.#shareOf(than)
    if (byShare !== 0) return byShare > 0
    return mix(subject.hash, this.#hashes[label] ?? 0) > mix(subject.hash, this.#hashes[than] ?? 0)
  }

  #shareOf(label: number): number {
    const weight = this.#weights[label] ?? 0
    return weight === 0 ? 0 : (this.#scores[label] ?? 0) / weight
  }
}
