import { seededRandom } from '../../src/base/random.ts'
import { ALPHA, coverageOf, MARGIN, METHODS, type Coverage } from '../helpers/coverage.ts'
import { drawPacks, type PairedPacks } from '../helpers/paired-packs.ts'

const RUNS = 2_000
const SEED = 17
const CORRELATIONS = [0, 0.1, 0.3, 0.5]
const PACK_SIZES = [1, 5, 10, 25, 50]
/** Packing changes 3% of the answers each way. */
const NO_LOSS = { records: 3_000, accuracy: 0.85, lost: 0.03, gained: 0.03 }
const BAD_PACKS = { share: 0.013, loss: 0.75 }
const METHOD_NAMES = ['independent', 'clusterRobust', 'bounded', 'sequence', 'combined'] as const

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`

/** Prints how often intervals that claim 95% hold, what they find, and what they need. */
export function coverage(): Promise<void> {
  for (const badPacks of [undefined, BAD_PACKS]) {
    console.log(`\n${badPacks ? '1.3% of the packs lose three quarters' : 'no bad packs'}`)
    console.log(`correlation | packs of | ${METHOD_NAMES.join(' | ')}`)
    for (const correlation of CORRELATIONS) {
      // The only record of a pack has no correlation.
      for (const packSize of PACK_SIZES.filter((size) => size > 1 || correlation === 0)) {
        const of = coverageOf(model({ packSize, correlation, ...(badPacks && { badPacks }) }), RUNS, SEED)
        console.log(`${correlation} | ${packSize} | ${cells(of, 'covers')}`)
      }
    }
  }
  console.log('\nloss | correlation | packs of | holds the loss, where eval stops an arm early')
  for (const loss of [0.06, 0.12]) {
    for (const correlation of CORRELATIONS) {
      for (const packSize of [5, 25]) {
        const planted = model({ packSize, correlation, lost: 0.03 + loss })
        const of = coverageOf(planted, RUNS, SEED)
        console.log(`${loss} | ${correlation} | ${packSize} | ${cells(of, 'covers')}`)
      }
    }
  }
  console.log('\nloss | changed each way | correlation | found, packs of 25')
  for (const loss of [0.03, 0]) {
    for (const flips of [0.03, 0.05]) {
      for (const correlation of [0, 0.05]) {
        const planted = model({ packSize: 25, correlation, lost: flips + loss, gained: flips })
        const of = coverageOf(planted, RUNS, SEED)
        console.log(`${loss} | ${flips} | ${correlation} | ${cells(of, 'finds')}`)
      }
    }
  }
  console.log('\npacks of | records that exclude a loss of 2 points, median of 5 samples without loss')
  for (const packSize of PACK_SIZES) {
    const needed = METHOD_NAMES.map((method) => median(5, (seed) => recordsNeeded(method, packSize, seed)))
    console.log(`${packSize} | ${needed.join(' | ')}`)
  }
  return Promise.resolve()
}

function model(changes: Partial<PairedPacks> & { packSize: number; correlation: number }): PairedPacks {
  return { ...NO_LOSS, ...changes }
}

function cells(of: Coverage, what: 'covers' | 'finds'): string {
  return METHOD_NAMES.map((method) => percent(of[method][what])).join(' | ')
}

function median(count: number, draw: (seed: number) => number): number {
  const values = Array.from({ length: count }, (_, at) => draw(SEED + at)).sort((a, b) => a - b)
  return values[Math.floor(count / 2)] ?? NaN
}

/** The smallest sample, to 4%, from which on the upper bound is below 2 points. */
function recordsNeeded(method: keyof typeof METHODS, packSize: number, seed: number): number {
  const records = 1_000 * packSize + 10_000
  const packs = drawPacks(model({ packSize, correlation: 0, records }), seededRandom(seed))
  let needed = Infinity
  for (let count = packs.length; count >= 2; count = Math.floor(count / 1.04)) {
    if (METHODS[method](packs.slice(0, count), ALPHA).high >= MARGIN) break
    needed = count * packSize
  }
  return needed
}
