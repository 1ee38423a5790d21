import { endEvent, publish } from '../accounts/diagnostics.ts'
import type { Entry } from '../record/entry.ts'
import type { Ledger } from '../accounts/ledger.ts'
import type { Resolved } from '../options/options.ts'
import type { Outcome } from '../record/outcome.ts'
import type { PackRun } from '../answer/finished-request.ts'
import type { Permit } from '../limits/rate-limiter.ts'
import { runPack, type Shipment } from './run-request.ts'

/** A request that leaves. */
export interface Departure<R> {
  readonly shipment: Shipment<R>
  readonly isRetry: boolean
  readonly permit: Permit
  readonly abort: AbortController
}

/** What becomes of a request's records. */
export interface SendListener<R, T> {
  /** Whose packs these are, for diagnostics. */
  readonly stream: object
  /** `result` is a fulfilled one's value as the model wrote it. Whoever brings the outcome waits for the promise, if there is one. */
  onSettled: (entry: Entry<R>, outcome: Outcome<R, T>, result?: unknown) => Promise<void> | undefined
}

/** Sends a pack. What happens on the way is told to diagnostics, the ledger and the limiter. */
export async function sendPack<R, T>(
  options: Resolved<R, T>,
  { shipment, isRetry, permit, abort }: Departure<R>,
  ledger: Ledger,
  { stream, onSettled }: SendListener<R, T>,
): Promise<PackRun<R>> {
  const { apiName, model } = options
  const { pack, cap } = shipment
  const request = ledger.sent(isRetry)
  const startedAt = performance.now()
  publish('request:start', stream, () => ({
    ...{ request, api: apiName, model, records: pack.length, isRetry },
    maxOutputTokens: cap,
  }))
  const run = await runPack(options, shipment, request, abort, {
    onHeaders: (headers) => {
      permit.report(headers, performance.now())
    },
    onFulfilled: (entry, outcome, result) => {
      publish('element', stream, () => ({ request, kind: 'fulfilled' as const, index: entry.index }))
      const wait = onSettled(entry, outcome, result)
      if (!wait) return undefined
      permit.rest(true)
      return wait.finally(() => {
        permit.rest(false)
      })
    },
    onFault: (kind) => {
      publish('element', stream, () => ({ request, kind, index: undefined }))
      ledger.element(kind)
    },
  })
  publish('request:end', stream, () => endEvent(request, run, pack.length, performance.now() - startedAt))
  return run
}
