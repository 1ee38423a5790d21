import { fstatSync } from 'node:fs'
import type { PackStream } from '../../index.ts'
import type { RowStream } from '../../files/index.ts'
import type { Item } from '../rows/item.ts'
import type { RunFlags } from './flags.ts'
import type { Flow, Halt } from './flow.ts'
import { say, type Io } from '../io.ts'
import { onStopSignal } from '../process/signals.ts'
import { onEvent } from '../measure/events.ts'
import { canRedraw, showProgress, type Snapshot } from '../terminal/progress.ts'
import { tellStandstills } from '../terminal/standstill.ts'

/** Runs a flow, shows its progress to a person, and stops it at a signal. */
export async function watch(
  flow: Flow,
  stream: PackStream<Item>,
  rows: RowStream,
  limit: number,
  flags: RunFlags,
  io: Io,
): Promise<Halt | undefined> {
  const snapshot = (): Snapshot => {
    const now = performance.now()
    const { read, isAllRead, startedAt = now } = flow
    const ofFiles = rows.bytesTotal === undefined ? undefined : rows.bytesRead / Math.max(rows.bytesTotal, 1)
    const share = isAllRead ? 1 : ofFiles
    const before = flow.before.count
    return { before, stats: stream.stats, read, share, limit, elapsed: now - startedAt }
  }
  const progress = isWatched(flags, io) ? showProgress(snapshot, io) : undefined
  const note = (text: string): void => {
    if (progress) progress.note(text)
    else say(io, text)
  }
  const offStandstills = tellStandstills(() => stream.stats, note)
  const offNotices = onEvent('notice', stream, ({ message }) => {
    note(message)
  })
  const offSignals = onStopSignal(io, (signal) => {
    offSignals()
    const requests = stream.stats.inFlight
    const running = `${requests} ${requests === 1 ? 'request is' : 'requests are'} let to the end`
    const again = signal.name === 'SIGINT' ? ' Ctrl-C again stops at once.' : ''
    const text = `Stopping: nothing more is sent, ${running}.${again}`
    if (progress) progress.note(text)
    else if (io.stderr.isTTY) say(io, text)
    flow.stop({ status: 'interrupted', exitCode: signal.exitCode, message: 'Stopped.' })
  })
  try {
    return await flow.run()
  } finally {
    offStandstills()
    progress?.stop()
    offNotices()
    offSignals()
  }
}

/** Whether to draw the progress: on a terminal that shows no records. */
function isWatched({ progress, output }: RunFlags, io: Io): boolean {
  return progress !== false && canRedraw(io) && (output !== undefined || fstatSync(1).isFile())
}
