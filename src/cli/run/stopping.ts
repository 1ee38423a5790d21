import { setTimeout as delay } from 'node:timers/promises'
import type { PackStream, Stats } from '../../index.ts'
import type { Observer } from '../measure/observer.ts'
import { endBySystem, onStopSignal, type StopSignal } from '../process/signals.ts'
import type { Teller } from '../terminal/teller.ts'
import { whole } from '../terminal/words.ts'
import type { Item } from '../rows/item.ts'
import type { Io } from '../io.ts'
import type { Flow, Halt } from './flow.ts'

/** Time in which aborted requests end, so that their tokens are counted, in ms. */
const ABORT_MS = 100
/** Time after which the system ends a run that does not end by itself, in ms. */
const GIVE_UP_MS = 2_000

/**
 * Ends a run at a signal. The first signal lets the running requests end. The second aborts them;
 * if the run does not end, because it waits for a file or for the reader of its output, the system
 * ends it. From the third signal on, the system does so at once. It would leave the progress on the
 * screen, so the progress ends at the second signal.
 */
export class Stopping {
  readonly #flow: Flow
  readonly #stream: PackStream<Item>
  readonly #observer: Observer
  readonly #off: () => void
  #giveUp: NodeJS.Timeout | undefined
  /** The account at the second signal. */
  #atAbort: Stats | undefined

  constructor(flow: Flow, stream: PackStream<Item>, observer: Observer, teller: Teller, io: Io) {
    this.#flow = flow
    this.#stream = stream
    this.#observer = observer
    this.#off = onStopSignal(io, (signal, times) => {
      if (times === 1) {
        teller.say(stopWords(stream.stats, signal))
        flow.stop({ status: 'interrupted', exitCode: signal.exitCode, message: 'Stopped.' })
        return
      }
      this.#off()
      teller.stop()
      teller.say('Stopping at once.')
      this.#atAbort = stream.stats
      stream.destroy()
      this.#giveUp = setTimeout(() => {
        endBySystem(io, signal)
      }, GIVE_UP_MS)
    })
  }

  /** The run has ended. */
  end(): void {
    this.#off()
    clearTimeout(this.#giveUp)
  }

  /** The end of the run, with the account of the requests that a second signal aborted. */
  async complete(halt: Halt | undefined): Promise<Halt | undefined> {
    if (!halt || !this.#atAbort) return halt
    clearTimeout(this.#giveUp)
    await delay(ABORT_MS)
    const { requests, records } = this.#observer.aborted
    const { stats } = this.#stream
    const { fulfilled, rejected } = stats.records
    // Outcomes that had come, and that no row has.
    const lost = fulfilled + rejected - this.#flow.fulfilled - this.#flow.rejected
    const tokens = wastedIn(stats) - wastedIn(this.#atAbort)
    return { ...halt, message: abortWords(requests, records + lost, tokens) }
  }
}

function stopWords({ inFlight }: Stats, { name }: StopSignal): string {
  const running = `${inFlight} ${inFlight === 1 ? 'request is' : 'requests are'} let to the end`
  const again = name === 'SIGINT' ? ' Ctrl-C again aborts them: the next run asks their records again.' : ''
  return `Stopping: nothing more is sent, ${running}.${again}`
}

/** `3 requests were aborted, and about 1,234 tokens bought nothing.` */
export function abortWords(requests: number, records: number, tokens: number): string {
  if (requests === 0) return 'Stopped at once. No request was aborted.'
  const what = requests === 1 ? '1 request was aborted' : `${whole(requests)} requests were aborted`
  const price = tokens > 0 ? `, and about ${whole(tokens)} tokens bought nothing` : ''
  const again = records === 1 ? '1 record' : `${whole(records)} records`
  return `Stopped at once: ${what}${price}. The next run asks ${again} again.`
}

function wastedIn({ tokens }: Stats): number {
  return Object.values(tokens.wasted).reduce((sum, some) => sum + some, 0)
}
