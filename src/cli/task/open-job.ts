import { PackStream, type PackStreamOptions } from '../../index.ts'
import { openCache, type SqliteCache } from '../../sqlite-cache.ts'
import type { CheckFlags } from '../flags/check-flags.ts'
import type { SendingFlags } from '../flags/sending-flags.ts'
import { given } from '../flags/given.ts'
import { inFlags, UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'
import { checksOf } from './checks.ts'
import { openEndpoint, type EndpointFlags } from './endpoint.ts'

/** The open resources of a command. `close` closes them, the last one first. */
export class Opened {
  readonly #closers: (() => unknown)[] = []

  add(close: () => unknown): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) await close()
  }
}

export interface OpenJob<R> {
  readonly stream: PackStream<R>
  /** The name of the server, without secrets. */
  readonly server: string
}

/**
 * Opens the server, the cache and the stream of a job.
 *
 * @param options The options of the stream that the flags below do not give.
 * @param fields The fields of each result, if they are known.
 * @throws {UsageError} For an option that cannot be used. It names the flag.
 */
export async function openJob<R>(
  options: Omit<PackStreamOptions<R, unknown>, 'client' | 'cache'>,
  flags: SendingFlags & EndpointFlags & CheckFlags,
  opened: Opened,
  io: Io,
  fields: readonly string[] | undefined,
): Promise<OpenJob<R>> {
  const { maxAttempts, linger, firstTokenTimeout, idleTimeout, requestTimeout, maxCost, maxRejects } = flags
  const checks = checksOf(flags, fields)
  const endpoint = await openEndpoint(flags, io)
  opened.add(endpoint.close)
  const cache = flags.cache === undefined ? undefined : await openStore(flags.cache)
  if (cache) opened.add(cache.close)
  const stream = inFlags(
    () =>
      new PackStream<R>({
        ...{ ...options, ...checks, client: endpoint.client },
        ...given({
          maxAttempts,
          linger,
          firstTokenTimeout,
          idleTimeout,
          requestTimeout,
          maxCost,
          maxRejects,
        }),
        ...given({ cache }),
      }),
  )
  return { stream, server: endpoint.name }
}

async function openStore(file: string): Promise<SqliteCache> {
  return openCache(file).catch((cause: unknown) => {
    throw new UsageError((cause as Error).message.replace('openCache', '--cache'), { cause })
  })
}
