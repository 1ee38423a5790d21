import { createInterface } from 'node:readline'
import { UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'

/**
 * Asks a person a question. Only `y` and `yes` are a yes.
 *
 * @throws {UsageError} Without a terminal, because the question has no reader.
 */
export async function isConfirmed(
  question: string,
  { stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>,
  withoutTerminal: () => string,
): Promise<boolean> {
  if (!stdin.isTTY || !stderr.isTTY) throw new UsageError(withoutTerminal())
  stderr.write(`${question} [y/N] `)
  const lines = createInterface({ input: stdin })
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve).once('close', () => {
      resolve('')
    })
  })
  lines.close()
  return /^\s*y(es)?\s*$/i.test(answer)
}
