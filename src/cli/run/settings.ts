import * as z from 'zod'
import type { Job } from '../job.ts'
import type { RunFlags } from './command.ts'
import { hash, hashFiles, type RunState } from './state.ts'

/** What decides what is in an output: all else may change from one run to the next. */
export async function stateOf(job: Job, flags: RunFlags, server: string): Promise<RunState> {
  const { model, api = 'chat', instructions, schema, examples, request } = job.options
  const { field, template, prefix = '', ordered = false } = flags
  const jsonSchema = z.toJSONSchema(schema as z.ZodType, { io: 'input', unrepresentable: 'any' })
  const settings: Record<string, string | undefined> = {
    'the model': model,
    'the API': api,
    'the server': server,
    'the instructions': hash(instructions),
    "the result's schema": hash(JSON.stringify(jsonSchema) + job.result.source),
    'the examples': examples && hash(JSON.stringify(examples)),
    'the request': request && JSON.stringify(request),
    '--field': field,
    '--template': template && hash(template),
    '--prefix': prefix,
    '--ordered': String(ordered),
    '--format': job.read.format,
  }
  return {
    version: 1,
    settings: Object.fromEntries(
      Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    input: await hashFiles(job.files),
  }
}
