import { seededRandom } from '../base/random.ts'
import { shuffled } from '../statistics/index.ts'

/** A record of the sample, and the group with which it is planned to share a request. */
export interface Place {
  readonly record: number
  readonly group: number
}

/**
 * Divides the sample into blocks, in an order drawn by the seed. All arms ask one block before any
 * arm asks the next, so a server that drifts hurts all arms alike.
 *
 * @param size Number of records in a block. The last block may have fewer.
 */
export function blocksOf(records: number, size: number, seed: number): number[][] {
  const order = shuffled([...Array(records).keys()], seededRandom(seed))
  return Array.from({ length: Math.ceil(records / size) }, (_, at) => order.slice(at * size, (at + 1) * size))
}

/** The order in which the arms ask a block, drawn by the seed. */
export function armOrder<A>(arms: readonly A[], block: number, seed: number): A[] {
  return shuffled(arms, randomFor(seed, block, -1))
}

/**
 * Shuffles a block for an arm, and divides it into groups. Records with different keys share no
 * group, as they share no request.
 *
 * @param arm Number of the arm, so that each arm has neighbours of its own.
 */
export function groupsOf(
  block: readonly number[],
  size: number,
  keyOf: (record: number) => string,
  random: () => number,
): Place[] {
  const places: Place[] = []
  let group = 0
  for (const records of Map.groupBy(shuffled(block, random), keyOf).values()) {
    for (let at = 0; at < records.length; at += size, group++) {
      for (const record of records.slice(at, at + size)) places.push({ record, group })
    }
  }
  return places
}

/** Random numbers of their own for each block and arm. */
export function randomFor(seed: number, block: number, arm: number): () => number {
  // The first numbers of near seeds are near, so the three numbers are mixed by a stream each.
  const mixed = [block, arm].reduce(
    (from, number) => Math.floor(seededRandom(from + 7_919 * (number + 2))() * 2 ** 32),
    seed,
  )
  return seededRandom(mixed)
}
