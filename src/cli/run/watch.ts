import { fstatSync } from 'node:fs'
import type { PackStream } from '../../index.ts'
import type { RowStream } from '../../files/index.ts'
import type { Item } from '../rows/item.ts'
import type { Job } from '../task/job.ts'
import { NOTICED, withFlags } from '../flags/usage-error.ts'
import type { RunFlags } from './flags.ts'
import type { Flow, Halt } from './flow.ts'
import type { Io } from '../io.ts'
import { onEvent } from '../measure/events.ts'
import type { Observer } from '../measure/observer.ts'
import { canRedraw } from '../terminal/live-line.ts'
import type { Progress } from '../terminal/progress-line.ts'
import { openTeller, type Show } from '../terminal/teller.ts'
import { Stopping } from './stopping.ts'

/** Time between two lines in a pipe or a log, in ms. */
const LOG_INTERVAL_MS = 10_000

/** Runs a flow, shows its progress to a person, and stops it at a signal. */
export async function watch(
  flow: Flow,
  stream: PackStream<Item>,
  rows: RowStream,
  { limit, notes }: Pick<Job, 'limit' | 'notes'>,
  observer: Observer,
  flags: RunFlags,
  io: Io,
): Promise<Halt | undefined> {
  const progress = (): Progress => {
    const { read, isAllRead } = flow
    const ofFiles = rows.bytesTotal === undefined ? undefined : rows.bytesRead / Math.max(rows.bytesTotal, 1)
    const share = isAllRead ? 1 : ofFiles
    return { before: flow.before.count, stats: stream.stats, read, share, limit }
  }
  const teller = openTeller(progress, showFor(flags, io), LOG_INTERVAL_MS, io)
  const sayBefore = notes.say
  notes.say = teller.say
  const offNotices = onEvent('notice', stream, ({ message }) => {
    teller.say(withFlags(message, NOTICED))
  })
  const stopping = new Stopping(flow, stream, observer, teller, io)
  try {
    return await stopping.complete(await flow.run())
  } finally {
    teller.stop()
    notes.say = sayBefore
    offNotices()
    stopping.end()
  }
}

/** How a person sees the run. */
export function showFor(
  { progress, quiet, output, json }: RunFlags,
  { stderr, env }: Pick<Io, 'stderr' | 'env'>,
): Show {
  if (progress === false || quiet) return 'problems'
  if (!stderr.isTTY) {
    // A program reads the summary there.
    return json && output === undefined ? 'problems' : 'log'
  }
  // The screen probably shows records, which a line would tear apart.
  if (output === undefined && !fstatSync(1).isFile()) return 'problems'
  return canRedraw({ stderr, env }) ? 'line' : 'log'
}
