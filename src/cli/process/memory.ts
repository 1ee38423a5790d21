import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Interval between two checks. The space for new objects doubles several times in the first second.
 */
const CHECK_INTERVAL_MS = 100
/** Largest space that V8 may reserve for new objects. */
const NEW_SPACE_BYTES = 16 * 2 ** 20
/** Growth of the heap after which V8 collects garbage. */
const HEAP_GROWTH_PERCENT = 50
/**
 * Version of V8 in Node 26. A later version may not know the flags, and would warn on standard
 * error.
 */
const LATEST_V8 = 14
/** Memory of the process at which it gives everything back. A run needs about 150 MB. */
const HIGH_BYTES = 260e6
/**
 * Shortest time between two such collections. Each one takes 0.2 s, and drops compiled code too.
 */
const PAUSE_MS = 10_000

/**
 * Keeps the memory of the process low, for as long as the process runs.
 *
 * A run uses about 40 MB at any time, however long it is. But V8 trades memory for speed: on a
 * large machine it reserves up to 134 MB for new objects, lets old objects grow to several times
 * the used memory before it collects garbage, and keeps empty pages. The process would then take
 * 350 to 600 MB. This function limits the first two, which costs about a tenth of the speed. If
 * that is not enough, it gives everything back, which costs more.
 *
 * It decides only when V8 collects garbage, and never limits the memory in use. So nothing can fail
 * because of it, unlike with `--max-old-space-size`.
 */
export function keepMemoryLow(): void {
  const areFlagsKnown = Number.parseInt(process.versions.v8, 10) <= LATEST_V8
  if (areFlagsKnown) setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
  const giveBack = giveBackAbove(HIGH_BYTES)
  const check = (): void => {
    if (areFlagsKnown) limitNewSpace()
    giveBack()
  }
  check()
  setInterval(check, CHECK_INTERVAL_MS).unref()
}

/**
 * V8 reads `--max-semi-space-size` only at its start, where a program cannot set it for itself. So
 * this function stops the growth of the space once it is large enough. It must check again and
 * again, because V8 shrinks the space when there is little to do.
 */
function limitNewSpace(): void {
  const size = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
  setFlagsFromString(`--semi-space-growth-factor=${size < NEW_SPACE_BYTES ? 2 : 1}`)
}

function giveBackAbove(highBytes: number): () => void {
  let limit = highBytes
  let notBefore = 0
  let collect: (() => void) | undefined
  return () => {
    if (performance.now() < notBefore || process.memoryUsage.rss() < limit) return
    try {
      collect ??= collector()
      collect()
    } catch {
      // This Node does not have the function.
      limit = Infinity
      return
    }
    // The memory in use is not garbage. A job that needs more is not stopped again and again.
    limit = Math.max(highBytes, process.memoryUsage.rss() * 1.25)
    notBefore = performance.now() + PAUSE_MS
  }
}

/**
 * Returns the collection that V8 makes before it runs out of memory: it also gives pages back to
 * the system.
 */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void
  setFlagsFromString('--no-expose-gc')
  return () => {
    gc({ type: 'major', flavor: 'last-resort' })
  }
}
