import type { RecordError } from '../../index.ts'
import type { KafkaRecord, KafkaSummary } from '../../kafka/index.ts'
import type { Given } from '../flags/config.ts'
import { given } from '../flags/given.ts'
import { onStopSignal, type StopSignal } from '../process/signals.ts'
import { loadEnvFile, readTask } from '../task/job.ts'
import { Opened, openJob } from '../task/open-job.ts'
import { textWith } from '../task/partition.ts'
import { resultColumns } from '../rows/result-columns.ts'
import { isHopeless } from '../terminal/failure.ts'
import { canRedraw } from '../terminal/live-line.ts'
import type { Progress } from '../terminal/progress-line.ts'
import { openTeller } from '../terminal/teller.ts'
import { onEvent } from '../measure/events.ts'
import { Observer } from '../measure/observer.ts'
import { asUsageError, NOTICED, UsageError, withFlags } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'
import { askingOf } from './asking.ts'
import { FORMAT, type KafkaFlags } from './flags.ts'
import { connectionOf } from './connection.ts'
import { sayEvent, sayStop } from './events.ts'
import { itemsOf, valueOf } from './messages.ts'
import { fullReasonOf, Rejections } from './rejections.ts'
import { report, summaryOf } from './summary.ts'
import { topicsOf } from './topics.ts'

/** Time between two lines of a log, in ms. */
const LOG_INTERVAL_MS = 60_000

/** Returns the exit code. */
export async function work({ flags }: Given<KafkaFlags>, io: Io): Promise<number> {
  loadEnvFile(flags.envFile, io)
  const topics = topicsOf(flags)
  const connection = connectionOf(flags, io.env)
  const task = await readTask(flags, io)
  const result = resultColumns(task.result.fields, flags.prefix ?? '', flags)
  const textOf = textWith(task.textOf, flags.partition)
  const itemOf = itemsOf(flags.format ?? FORMAT, textOf, new Set(result.names))
  const { runKafka } = await importKafka()
  const opened = new Opened()
  try {
    const asking = askingOf(task, itemOf, flags.partition)
    const { stream, server } = await openJob<KafkaRecord>(
      { ...task.options, ...asking },
      flags,
      opened,
      io,
      task.result.fields,
    )
    const progress = (): Progress => {
      const { stats } = stream
      return { before: 0, stats, read: stats.records.read, share: undefined, limit: Infinity }
    }
    const show = flags.progress === false ? 'problems' : canRedraw(io) ? 'line' : 'log'
    const teller = openTeller(progress, show, LOG_INTERVAL_MS, io)
    opened.add(teller.stop)
    const observer = new Observer(stream)
    opened.add(observer.close)
    opened.add(
      onEvent('notice', stream, ({ message }) => {
        teller.say(withFlags(message, NOTICED))
      }),
    )
    let stop: StopSignal | undefined
    const offSignals = onStopSignal(io, (signal, times) => {
      stop ??= signal
      // `runKafka` stops at the first signal, and gives up at the second.
      if (times > 2) {
        teller.stop()
        process.exit(signal.exitCode)
      }
      teller.say(sayStop(signal, times))
    })
    opened.add(offSignals)

    const rejections = new Rejections()
    const onRejected = (record: KafkaRecord, reason: RecordError): void => {
      // The tokens of a cached result count too.
      if (isHopeless(reason, stream.stats.tokens.output > 0)) throw reason
      observer.counter.rejected(fullReasonOf(reason))
      const first = rejections.add(record, reason)
      if (first === undefined) return
      teller.say(`The first rejected with ${reason.code}: ${first}. All such go to ${topics.deadLetterTopic}`)
    }

    const startedAt = performance.now()
    const { startFrom, assignor, maxUncommitted, maxPartitionBytes, commitInterval } = flags
    const { sessionTimeout, revokeTimeout, stopTimeout } = flags
    const ended = await endOf(
      runKafka(stream, {
        ...{ ...topics, connection },
        ...given({ startFrom, assignor, maxUncommitted, maxPartitionBytes, commitInterval }),
        ...given({ sessionTimeout, revokeTimeout, stopTimeout }),
        serialize: (outcome) => valueOf(outcome, itemOf, result),
        onEvent: (event) => {
          if (event.type === 'rejected') onRejected(event.record, event.reason)
          else teller.say(sayEvent(event))
        },
      }),
    )
    teller.stop()
    const seconds = (performance.now() - startedAt) / 1_000
    const accounts = { server, seconds, stats: stream.stats, reasons: observer.reasons, price: task.price }
    const summary = summaryOf(ended, stop, { ...accounts, firstRejection: rejections.first })
    report(summary, ended, connection.bootstrapBrokers, flags, io)
    return summary.exitCode
  } finally {
    await opened.close()
  }
}

/** Imports the client only now, so that the other commands do not need it. */
async function importKafka(): Promise<typeof import('../../kafka/index.ts')> {
  return import('../../kafka/index.ts').catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new UsageError(
      'llm-pack-stream kafka needs the package @platformatic/kafka: npm install @platformatic/kafka',
      { cause },
    )
  })
}

/** The account of a worker, or the error that ended it. */
async function endOf(running: Promise<KafkaSummary>): Promise<KafkaSummary | Error> {
  return running.catch((error: unknown) => {
    const usage = asUsageError(error)
    if (usage instanceof UsageError) throw usage
    return error as Error
  })
}
