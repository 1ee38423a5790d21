#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addKafka } from './kafka/command.ts'
import { addPlan } from './plan/command.ts'
import { addRun } from './run/command.ts'
import { addSimulate } from './simulate/command.ts'
import { tooOldNode } from './process/node-version.ts'
import { exitCodes, UsageError } from './flags/usage-error.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('llm-pack-stream')
  .description(
    'Sends many records in each LLM request, and gives out the result of each as soon as it is written.',
  )
  .version(version)
  .configureHelp({ showGlobalOptions: false })
  .exitOverride()
addRun(program)
addPlan(program)
addKafka(program)
addSimulate(program)

// Whoever reads may have had enough, which is no reason to break off; but what could not be said is no success.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  console.error(error.message)
  process.exitCode = exitCodes.fatal
})
process.stderr.on('error', () => undefined)

try {
  const tooOld = tooOldNode(process.versions.node)
  if (tooOld !== undefined) throw new UsageError(tooOld)
  if (process.argv.length === 2) throw new UsageError(`No command\n\n${program.helpInformation()}`)
  await program.parseAsync()
} catch (error) {
  // Commander has said what it had to say.
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage
  } else {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.fatal
  }
}
