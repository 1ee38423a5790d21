import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How often it is looked, in ms: the space for new objects doubles a few times in the first second of work. */
const EVERY = 100
/** What V8 may set aside for new objects, in bytes. */
const MOST_NEW = 16 * 2 ** 20
/** How far the heap may grow before it is collected, in percent of what was in use after the last time. */
const GROWTH = 50
/** The V8 of Node 26. A later one may not know the flags, and would say so on standard error. */
const LATEST_V8 = 14
/** What the process may take before all is collected, in bytes. A run needs about 150 MB. */
const HIGH = 260e6
/** How long it goes without, in ms: it throws away compiled code, too, and costs a fifth of a second. */
const PAUSE = 10_000

/**
 * Keeps garbage from piling up, until the returned function is called.
 *
 * A run has some 40 MB in use at any time, however long it is, but V8 trades memory for speed: it sets aside up to 134 MB
 * for new objects where the machine is large, lets the old ones take several times what is used before it collects them,
 * and keeps pages that it has emptied. So the process would take 350 to 600 MB. Here the first two are held back, which
 * costs about a tenth of the speed; and where that is not enough, everything is given back, which costs more.
 *
 * All of it decides only when garbage is collected, never how much may be in use: nothing can fail because of it, as it
 * would with `--max-old-space-size`.
 */
export function keepMemoryLow(): () => void {
  const areFlagsKnown = Number.parseInt(process.versions.v8, 10) <= LATEST_V8
  if (areFlagsKnown) setFlagsFromString(`--heap-growing-percent=${GROWTH}`)
  const giveBack = giveBackAbove(HIGH)
  const look = (): void => {
    if (areFlagsKnown) limitNewSpace()
    giveBack()
  }
  look()
  const timer = setInterval(look, EVERY)
  timer.unref()
  return () => {
    clearInterval(timer)
  }
}

/**
 * V8 reads `--max-semi-space-size` only as it starts, where a program cannot set it for itself; so the space is kept from
 * growing once it is large enough. It is looked at again and again, since V8 makes it small when there is little to do.
 */
function limitNewSpace(): void {
  const size = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
  setFlagsFromString(`--semi-space-growth-factor=${size < MOST_NEW ? 2 : 1}`)
}

function giveBackAbove(high: number): () => void {
  let limit = high
  let notBefore = 0
  let collect: (() => void) | undefined
  return () => {
    if (performance.now() < notBefore || process.memoryUsage.rss() < limit) return
    try {
      collect ??= collector()
      collect()
    } catch {
      // A Node that has no such thing does without.
      limit = Infinity
      return
    }
    // What is in use is no garbage: a job that needs more is not held up again and again.
    limit = Math.max(high, process.memoryUsage.rss() * 1.25)
    notBefore = performance.now() + PAUSE
  }
}

/** What V8 does before it runs out of memory: it collects all that can be, and gives the pages back to the system. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void
  setFlagsFromString('--no-expose-gc')
  return () => {
    gc({ type: 'major', flavor: 'last-resort' })
  }
}
