import type { Command } from 'commander'
import type { Perform } from '../io.ts'
import { flag } from '../flags/flags.ts'
import type { DemoFlags } from './flags.ts'

export function addDemo(program: Command, perform: Perform): void {
  program
    .command('demo')
    .summary('label sample messages in packs, and compare with one record in each request')
    .description(
      `Labels 330 sample messages of a shop in packs, and shows each result as it arrives. Then labels them with one record in each request, and compares the two.

Without a key, a built-in server answers, which is not a model. With OPENAI_API_KEY or OPENAI_BASE_URL (also in .env), that server answers. The demo then says what it would send and cost, and asks before it sends.`,
    )
    .addOption(flag('--simulate', 'use the built-in server although a key or a server is set'))
    .addOption(flag('--model <name>', 'name of the model (default: OPENAI_MODEL, or gpt-4o-mini)'))
    .addOption(flag('-y, --yes', 'send without a question'))
    .action((flags: DemoFlags) =>
      perform(async (io) => {
        const { demo } = await import('./action.ts')
        return demo(flags, io)
      }),
    )
}
