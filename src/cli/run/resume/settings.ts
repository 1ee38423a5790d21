import { dirname, relative } from 'node:path'
import type { Job } from '../../task/job.ts'
import { jsonOf } from '../../task/result-schema.ts'
import type { OutputFiles } from '../output-files.ts'
import type { RunFlags } from '../flags.ts'
import { metaOf } from '../output/meta.ts'
import { columnList } from '../../task/partition.ts'
import { hash, type RunState } from './state.ts'

/**
 * The settings that decide the content of an output. All other settings may change from one run to
 * the next, and so may the input.
 */
export function stateOf(
  job: Job,
  flags: RunFlags,
  server: string,
  results: readonly string[],
  { output, rejects }: OutputFiles,
): RunState {
  const { model, api = 'chat', output: form, instructions, schema, examples, request } = job.options
  const { field, template, prefix = '', ordered = false } = flags
  const jsonSchema = jsonOf(schema, 'input')
  const meta = metaOf(flags.meta)
  const settings: Record<string, string | undefined> = {
    'the model': model,
    'the API': api,
    '--response-format': form,
    // A URL may hold a password.
    'the server': hash(server),
    'the instructions': hash(instructions),
    "the result's schema": hash(JSON.stringify(jsonSchema) + job.result.source),
    'the examples': examples && hash(JSON.stringify(examples)),
    'the request': request && hash(JSON.stringify(request)),
    '--field': field,
    '--hoist': flags.hoist,
    '--template': template && hash(template),
    '--prefix': prefix,
    '--votes': flags.votes?.toString(),
    '--agree-on': flags.votes === undefined ? undefined : flags.agreeOn,
    '--ordered': String(ordered),
    '--meta': meta.hasIndex && meta.hasError ? undefined : flags.meta,
    'the format of the output': output?.format,
    '--output-delimiter': flags.outputDelimiter,
    '--escape-formulas': flags.escapeFormulas ? 'true' : undefined,
  }
  return {
    version: 2,
    settings: Object.fromEntries(
      Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    key: keyOf(flags.key),
    results,
    rejects: output && rejects && relative(dirname(output.path), rejects.path),
  }
}

/** The columns of `--key`. */
export function keyOf(flag: string | undefined): readonly string[] | undefined {
  return flag === undefined ? undefined : columnList('--key', flag)
}
