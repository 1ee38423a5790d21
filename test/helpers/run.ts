import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the same Node as the tests, in the project's folder. Never throws for an exit code. */
export function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = root): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 }
    const child = execFile(process.execPath, args, options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

/** An option that lets programs import the package's sources by its name. */
export const FROM_SOURCE = '--conditions=llm-pack-stream-source'
