import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EvalReport } from 'llm-pack-stream/eval'
import { jsonl, startCli } from '../helpers/cli.ts'
import { startLlamaServer } from './llama-server.ts'

const ANIMALS = ['fox', 'wolf', 'bear', 'deer', 'otter', 'badger', 'rabbit', 'mouse', 'horse', 'cow']
const PLACES = ['at the lake', 'in the garden', 'on the hill', 'near the road']
const records = ANIMALS.flatMap((animal) =>
  PLACES.map((place) => ({ text: `I saw a ${animal} ${place}.`, animal })),
)

/**
 * Evaluates SmolLM2-135M by the command line. The model is so small that it loses its place in a
 * pack. The page is `eval.html` in the folder.
 */
export async function evalAnimals(folder: string): Promise<EvalReport> {
  writeFileSync(join(folder, 'animals.jsonl'), jsonl(records))
  writeFileSync(join(folder, 'schema.json'), JSON.stringify({ type: 'string', enum: ANIMALS }))
  await using server = await startLlamaServer(2_048)
  const { code, stdout, stderr } = await startCli(
    [
      ...['eval', 'animals.jsonl', '--gold', 'animal', '--field', 'text', '--schema', 'schema.json'],
      ...['--prompt', 'Name the animal of each record.', '--model', 'SmolLM2-135M-Instruct'],
      ...['--request', '{"temperature":0}', '--sizes', '1,5', '--max-in-flight', '2'],
      ...['--max-output-tokens', '400', '--max-attempts', '2'],
      // A busy machine writes few tokens a second.
      ...['--first-token-timeout', '3600000', '--idle-timeout', '3600000', '--request-timeout', '3600000'],
      ...['--report', 'eval.html', '--json', '--no-progress', '--yes'],
    ],
    { cwd: folder, env: { OPENAI_BASE_URL: server.baseURL } },
  ).ended
  if (code !== 0) throw new Error(`The eval ended with ${String(code)}: ${stderr}`)
  return JSON.parse(stdout) as EvalReport
}
