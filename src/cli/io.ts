import type { Readable, Writable } from 'node:stream'
import type { Signals } from './process/signals.ts'

/** A stream that may be a terminal. */
interface Screen extends Writable {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** The surroundings of a command line: the process, or a test. */
export interface Io extends Signals {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Screen
  readonly stderr: Screen
  /** The command line adds the variables of `--env-file`. */
  readonly env: Record<string, string | undefined>
}

/** Runs the action of a command, which returns the exit code. `argv`: the given arguments. */
export type Perform = (action: (io: Io, argv: readonly string[]) => Promise<number>) => Promise<void>

/** Writes a line for a person. */
export function say({ stderr }: Pick<Io, 'stderr'>, text: string): void {
  stderr.write(`${text}\n`)
}
