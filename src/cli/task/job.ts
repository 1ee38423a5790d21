import { existsSync, statSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { exactTokenCounter, type Encoding } from '../../exact-tokens.ts'
import { RateLimiter, type PackStreamOptions, type TokenCounter } from '../../index.ts'
import { findFiles, formatOf, isSource, readJsonl, type Format, type ReadOptions } from '../../files/index.ts'
import { readText } from '../flags/config.ts'
import type { JobFlags, TaskFlags } from '../flags/flags.ts'
import { columnList, hoistBy } from './partition.ts'
import { askedText, hoisted, textFrom, type Item, type TextOf } from '../rows/item.ts'
import { readPrice, type Price, type PriceFlags } from './price.ts'
import { readSchema, type ResultSchema } from './result-schema.ts'
import { given } from '../flags/given.ts'
import { inFlags, UsageError, withFlags } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'

type Options = PackStreamOptions<Item, unknown>

/** A task for records of any kind, and how to pack them. */
export interface Task {
  readonly textOf: TextOf
  /** The columns that stand once in a request. */
  readonly hoist: readonly string[]
  readonly result: ResultSchema
  readonly examples: readonly TextExample[] | undefined
  readonly price: Price
  /**
   * The options of the stream, except the server and the options that depend on the type of
   * records.
   */
  readonly options: Omit<
    PackStreamOptions<never, unknown>,
    'client' | 'examples' | 'serialize' | 'partition' | 'hoist' | 'validate' | 'escalate'
  >
}

interface TextExample {
  readonly file: string
  readonly text: string
  /** The hoisted columns. */
  readonly own: Item['own']
  readonly value: unknown
}

/** A job of `run` or `plan`: records, their task, and how to pack them. */
export interface Job {
  /** `-` is standard input. */
  readonly files: readonly string[]
  readonly read: ReadOptions
  /** Says a word about a file. It may come while a progress line is drawn. */
  readonly notes: { say: (text: string) => void }
  readonly limit: number
  readonly textOf: TextOf
  /** The columns that stand once in a request. */
  readonly hoist: readonly string[]
  readonly result: ResultSchema
  readonly price: Price
  /** The options of the stream, except the server and the options of `run` alone. */
  readonly options: Omit<Options, 'client'>
}

/**
 * Reads and checks the job of the flags. Throws a `UsageError` that names the flag, or the file and
 * its line.
 */
export async function readJob(
  patterns: readonly string[],
  flags: JobFlags & PriceFlags,
  io: Io,
): Promise<Job> {
  const { limit = Infinity, sheet, maxRecordBytes, delimiter, quote, encoding, select } = flags
  if (limit !== Infinity && !(Number.isInteger(limit) && limit >= 1)) {
    throw new UsageError(`--limit: expected a whole number from 1, got ${limit}`)
  }
  const files = await findInput(patterns, flags.from, io)
  const asked = await readAsked(flags, io)
  const format = formatOfAll(files, flags)
  if (delimiter !== undefined) checkDelimiter(files, format)
  const notes: Job['notes'] = {
    say(text) {
      say(io, text)
    },
  }
  const ofStdin = files.includes('-') ? { stdin: io.stdin } : {}
  const read = {
    ...given({ format, sheet, maxRecordBytes, exactNumbers: true }),
    ...given({ delimiter, quote, encoding, select }),
    onNote: (note: string) => {
      notes.say(withFlags(note, ['delimiter', 'format', 'sheet']))
    },
    ...ofStdin,
  }
  const { textOf, hoist, result, examples, price } = asked
  return {
    ...{ files, read, notes, limit, textOf, hoist, result, price },
    options: {
      ...(await taskOptions(flags, asked)),
      ...given({
        examples: examples?.map(({ file, text, own, value }) => ({
          record: { index: 0, file, line: 0, own, text },
          value,
        })),
        hoist: hoistBy(hoist),
      }),
      serialize: askedText,
    },
  }
}

/** Reads and checks the task of the flags. Throws a `UsageError` that names the flag. */
export async function readTask(flags: TaskFlags & PriceFlags, io: Io): Promise<Task> {
  const asked = await readAsked(flags, io)
  const { textOf, hoist, result, examples, price } = asked
  return { textOf, hoist, result, examples, price, options: await taskOptions(flags, asked) }
}

async function readAsked(flags: TaskFlags & PriceFlags, { env }: Io) {
  const { model = env['OPENAI_MODEL'], labels, schema, instructions = flags.prompt } = flags
  const missing = [
    ...(model === undefined ? ['--model (or OPENAI_MODEL): the name of the model'] : []),
    ...((labels ?? schema) === undefined ? ['--labels or --schema: the form of the result'] : []),
    ...(instructions === undefined ? ['--instructions or --prompt: what to do with each record'] : []),
  ]
  if (model === undefined || missing.length > 0) {
    throw new UsageError(missing.map((what) => `Expected ${what}`).join('\n'))
  }
  const hoist = flags.hoist === undefined ? [] : columnList('--hoist', flags.hoist)
  const textOf = textFrom(flags.field, flags.template, hoist)
  const result = await readSchema(flags.labels, flags.schema)
  const examples =
    flags.examples === undefined ? undefined : await readExamples(flags.examples, textOf, hoist)
  const price = readPrice(flags, model, env)
  return { model, textOf, hoist, result, examples, price }
}

async function taskOptions(
  flags: TaskFlags,
  { model, result, price }: Pick<Task, 'result' | 'price'> & { readonly model: string },
): Promise<Task['options']> {
  const {
    api,
    responseFormat: output,
    request,
    countTokens,
    maxPackTokens,
    maxPackRecords,
    maxOutputTokens,
    maxInFlight,
    mix,
  } = flags
  const limits = given({ requestsPerMinute: flags.rpm, tokensPerMinute: flags.tpm })
  return {
    ...{ model, instructions: readInstructions(flags), schema: result.schema },
    ...given({ api, output, request, maxPackTokens, maxPackRecords, maxOutputTokens, maxInFlight, mix }),
    ...given({ countTokens: countTokens && (await tokenCounter('--count-tokens', countTokens)) }),
    ...(Object.keys(limits).length === 0 ? {} : { limiter: inFlags(() => new RateLimiter(limits)) }),
    ...given({ pricing: price.pricing }),
  }
}

/**
 * A counter of tokens. Without the package, the error names the user of the counter and the command
 * to install it.
 */
export async function tokenCounter(who: string, encoding?: Encoding): Promise<TokenCounter> {
  return exactTokenCounter(encoding).catch((error: unknown) => {
    const { message, cause } = error as Error
    // Only the error of an absent package has a cause.
    if (cause === undefined) throw error
    throw new UsageError(message.replace('exactTokenCounter', who), { cause: error })
  })
}

/** Sets variables from a file, like Node's `--env-file`: a variable that is set keeps its value. */
export function loadEnvFile(file: string | undefined, { env }: Io): void {
  // A folder with this name belongs to Python.
  if (file === undefined && !(existsSync('.env') && !statSync('.env').isDirectory())) return
  const variables = parseEnv(readText(file ?? '.env', '--env-file'))
  for (const [name, value] of Object.entries(variables)) env[name] ??= value
}

export function formatIn({ read }: Job, file: string): Format | undefined {
  return read.format ?? formatOf(file).format
}

/** Whether a header gives all records of a file the same columns. */
export function isTable(job: Job, file: string): boolean {
  return ['csv', 'tsv', 'parquet', 'xlsx', 'sqlite'].includes(formatIn(job, file) ?? '')
}

async function findInput(patterns: readonly string[], from: string | undefined, { stdin }: Io) {
  if (from !== undefined && !isSource(from)) {
    throw new UsageError(`--from: expected sqlite:FILE?query=SELECT ..., got ${JSON.stringify(from)}`)
  }
  const sources = from === undefined ? [] : [from]
  if (patterns.length === 0) {
    if (from !== undefined) return sources
    if (stdin.isTTY) throw new UsageError('Expected an input file, or - for standard input')
    return ['-']
  }
  const files = await findFiles(patterns).catch((error: unknown) => {
    throw new UsageError((error as Error).message, { cause: error })
  })
  return [...files, ...sources]
}

/** The format of all files. `undefined`: the name and the content of each file tell. */
function formatOfAll(files: readonly string[], { format, select }: JobFlags): Format | undefined {
  const named = files.filter((file) => file !== '-').map((file) => ({ file, format: formatOf(file).format }))
  const other = format ?? named.find((one) => one.format !== 'json')?.format
  if (select !== undefined && other !== undefined && other !== 'json') {
    throw new UsageError(`--select: expected an input of the format json, got ${other}`)
  }
  const unknown = format === undefined ? named.find((one) => one.format === undefined) : undefined
  if (unknown) throw new UsageError(`Expected --format: the name of ${unknown.file} does not tell`)
  return format
}

function readInstructions({ instructions, prompt = '' }: TaskFlags): string {
  if (instructions !== undefined && prompt !== '') {
    throw new UsageError('Expected --instructions or --prompt, got both')
  }
  const text = instructions === undefined ? prompt : readText(instructions, '--instructions')
  if (text.trim() !== '') return text.trim()
  throw new UsageError(
    `${instructions === undefined ? '--prompt' : `--instructions: ${instructions}`}: expected what to do with each record, got an empty text`,
  )
}

/** Only a table has a delimiter. Without this check, the flag would have no effect. */
function checkDelimiter(files: readonly string[], format: Format | undefined): void {
  const formats = files.map((file) => format ?? formatOf(file).format ?? 'csv')
  if (formats.some((one) => ['csv', 'tsv'].includes(one))) return
  throw new UsageError(
    `--delimiter: expected an input in CSV, got ${formats[0]}. For an output there is --output-delimiter`,
  )
}

async function readExamples(file: string, textOf: TextOf, hoist: readonly string[]): Promise<TextExample[]> {
  const examples: TextExample[] = []
  const parser = readJsonl()
  parser.end(readText(file, '--examples'))
  try {
    for await (const example of parser as AsyncIterable<{ record?: unknown; value?: unknown }>) {
      const { record, value } = example
      if (typeof record === 'string' && value !== undefined) {
        examples.push({ file, text: record, own: {}, value })
        continue
      }
      if (typeof record !== 'object' || record === null || value === undefined) {
        throw new Error(`example ${examples.length + 1}: expected { "record": ..., "value": ... }`)
      }
      const own = record as Item['own']
      examples.push({ file, text: textOf(own), own: hoisted(own, hoist), value })
    }
  } catch (cause) {
    throw new UsageError(`--examples: ${file}: ${(cause as Error).message}`, { cause })
  }
  return examples
}
