import type { AuditStage, AuditStats } from '../../index.ts'
import type { RunRecord } from '../measure/run-record.ts'
import type { Recorded } from '../measure/recorder.ts'
import { defaults } from '../../options/index.ts'
import { commandLine } from '../page/command-line.ts'
import type { Job } from '../task/job.ts'
import { version } from '../version.ts'
import type { Io } from '../io.ts'
import type { RunFlags } from './flags.ts'
import type { Summary } from './summary.ts'

/** What made a run as it was. */
export interface Made {
  readonly job: Job
  readonly flags: RunFlags
  /** The arguments as they were given. */
  readonly argv: readonly string[]
  /** The columns of the results. */
  readonly resultColumns: readonly string[]
}

/** What a run keeps about itself, and shows in its report. */
export function recordOf(
  { status, exitCode, error, server, seconds, records, stats, reasons }: Summary,
  recorded: Recorded,
  { job, flags, argv, resultColumns }: Made,
  { env }: Io,
): RunRecord {
  const { tokens, requests: sent, retries, cost, votes, audit } = stats
  return {
    ...recorded,
    ...{ status, exitCode, error, version, server, seconds, records, cost },
    command: commandLine(argv, env),
    settings: settingsOf(job, flags),
    resultColumns: [...resultColumns],
    requests: { sent, retries },
    tokens: {
      ...{ input: tokens.input, cached: tokens.cached, output: tokens.output },
      wasted: { ...tokens.wasted },
    },
    ...(votes && { votes: { ...votes } }),
    ...(audit && { audit: auditOf(audit) }),
    reasons: { retried: [...reasons.retried], waited: [...reasons.waited] },
  }
}

function auditOf({ margin, dropped, requests, cost, steps, ...now }: AuditStats): RunRecord['audit'] {
  return { ...stageOf(now), margin, dropped, requests, cost, steps: steps.map(stageOf) }
}

function stageOf({ packRecords, records, disagreement, noise, interval }: AuditStage) {
  return { packRecords, records, disagreement, noise, interval: { ...interval } }
}

/** The settings that decide most, defaults included. The command has all others. */
function settingsOf({ files, limit, options }: Job, flags: RunFlags): Record<string, string> {
  const { model, api, maxPackRecords, maxPackTokens, maxInFlight, pricing } = options
  const settings: Record<string, string | number | undefined> = {
    model,
    API: api ?? defaults.api,
    input: files.map((file) => (file === '-' ? 'standard input' : file)).join(', '),
    'records to read': limit === Infinity ? undefined : limit,
    output: flags.output ?? 'standard output',
    rejects: flags.rejects,
    'most records in a request': maxPackRecords ?? defaults.maxPackRecords,
    'most record tokens in a request': maxPackTokens ?? defaults.maxPackTokens,
    'most requests at once': maxInFlight ?? defaults.maxInFlight,
    'requests per minute': flags.rpm,
    'tokens per minute': flags.tpm,
    'most ballots of a record': flags.votes,
    'share of records that the audit asks': flags.audit === undefined ? undefined : `${100 * flags.audit}%`,
    'attempts for a record': flags.maxAttempts ?? defaults.maxAttempts,
    'US dollars for a million input tokens': pricing?.input,
    'US dollars for a million input tokens from a cache': pricing?.cachedInput,
    'US dollars for a million output tokens': pricing?.output,
    'most US dollars': flags.maxCost,
  }
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value.toLocaleString('en-US')]],
    ),
  )
}
