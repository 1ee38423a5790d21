#!/usr/bin/env node
import { exitCodes } from './flags/usage-error.ts'
import { keepMemoryLow } from './process/memory.ts'
import { runCli } from './run-cli.ts'

// A reader may close the pipe early, as `head` does. After any other failure, the output is not
// complete.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  console.error(error.message)
  process.exitCode = exitCodes.fatal
})
process.stderr.on('error', () => undefined)

keepMemoryLow()
const exitCode = await runCli(process.argv.slice(2), process)
process.exitCode ??= exitCode
