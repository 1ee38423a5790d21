import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs Node, the same one that runs the tests, in the project's folder. Never throws for an exit code. */
export function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = root): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 }
    const child = execFile(process.execPath, args, options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

/** Makes Node take the package's sources where a program imports it by name. */
export const FROM_SOURCE = '--conditions=llm-pack-stream-source'
