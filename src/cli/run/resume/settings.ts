import { dirname, relative } from 'node:path'
import { formatIn, type Job } from '../../task/job.ts'
import { jsonOf } from '../../task/result-schema.ts'
import type { OutputFiles } from '../output-files.ts'
import type { RunFlags } from '../flags.ts'
import { hash, hashFile, type InputFile, type RunState } from './state.ts'

/**
 * The settings that decide the content of an output. All other settings may change from one run to
 * the next.
 */
export async function stateOf(
  job: Job,
  flags: RunFlags,
  server: string,
  { output, rejects }: OutputFiles,
): Promise<RunState> {
  const { model, api = 'chat', output: form, instructions, schema, examples, request } = job.options
  const { field, template, prefix = '', ordered = false } = flags
  const jsonSchema = jsonOf(schema, 'input')
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
    '--template': template && hash(template),
    '--prefix': prefix,
    '--ordered': String(ordered),
    // It decides which rows are bad.
    '--max-record-bytes': job.read.maxRecordBytes?.toString(),
    'the format of the output': output?.format,
  }
  const input: InputFile[] = []
  for (const file of job.files)
    input.push({ file, format: formatIn(job, file), sha256: await hashFile(file) })
  return {
    version: 1,
    settings: Object.fromEntries(
      Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    input,
    rejects: output && rejects && relative(dirname(output.path), rejects.path),
  }
}
