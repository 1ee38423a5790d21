#!/usr/bin/env node
import { exitCodes } from './flags/usage-error.ts'
import { keepMemoryLow } from './process/memory.ts'
import { missingPackage } from './process/needs.ts'

// A reader may close the pipe early, as `head` does. After any other failure, the output is not
// complete.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  console.error(error.message)
  process.exitCode = exitCodes.fatal
})
process.stderr.on('error', () => undefined)

keepMemoryLow()
try {
  // Not at the top: a package that is missing would end the program before its first line.
  const { runCli } = await import('./run-cli.ts')
  const exitCode = await runCli(process.argv.slice(2), process)
  process.exitCode ??= exitCode
} catch (error) {
  const what = missingPackage(error)
  if (what === undefined) throw error
  console.error(what)
  process.exitCode = exitCodes.usage
}
