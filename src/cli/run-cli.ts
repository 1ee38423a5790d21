import { Command, CommanderError } from 'commander'
import { version as zodVersion } from 'zod/v4/core'
import { addDemo } from './demo/command.ts'
import { addErrors } from './errors/command.ts'
import { addEval } from './eval/command.ts'
import { exitCodes, UsageError } from './flags/usage-error.ts'
import { say, type Io, type Perform } from './io.ts'
import { addKafka } from './kafka/command.ts'
import { addPlan } from './plan/command.ts'
import { tooOldNode, tooOldZod } from './process/needs.ts'
import { addRun } from './run/command.ts'
import { addReport } from './report/command.ts'
import { addSimulate } from './simulate/command.ts'
import { version } from './version.ts'

/**
 * Runs the command line and returns its exit code. Paths start from the working directory of the
 * process.
 *
 * @param argv The arguments behind the program's name.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.fulfilled
  const perform: Perform = async (action) => {
    exitCode = await action(io, argv)
  }
  const program = new Command('llm-pack-stream')
    .description(
      'Sends many records in each LLM request, and returns the result of each record as soon as the model has written it.',
    )
    .version(version)
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => widthOf(io.stdout),
      getErrHelpWidth: () => widthOf(io.stderr),
    })
    .addHelpText(
      'after',
      '\nA first look, without a key and in any folder:\n  npx llm-pack-stream demo\n\nThe options of a command, with an example:\n  npx llm-pack-stream run --help',
    )
    .exitOverride()
  addDemo(program, perform)
  addRun(program, perform)
  addErrors(program, perform)
  addPlan(program, perform)
  addEval(program, perform)
  addReport(program, perform)
  addKafka(program, perform)
  addSimulate(program, perform)
  try {
    const tooOld = tooOldNode(process.versions.node) ?? tooOldZod(zodVersion)
    if (tooOld !== undefined) throw new UsageError(tooOld)
    if (argv.length === 0) {
      say(io, 'No command\n')
      program.outputHelp({ error: true })
      return exitCodes.usage
    }
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has written its message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fulfilled : exitCodes.usage
    say(io, error instanceof Error ? error.message : String(error))
    return error instanceof UsageError ? exitCodes.usage : exitCodes.fatal
  }
}

/** The same as Commander's default. */
function widthOf({ isTTY = false, columns = 80 }: Io['stdout']): number {
  return isTTY ? columns : 80
}
