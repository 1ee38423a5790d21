import { Option, type Command } from 'commander'
import type { Encoding } from '../../exact-tokens.ts'
import type { ApiName, OutputMode } from '../../index.ts'
import type { Format } from '../../files/index.ts'
import { defaults, encodingNames } from '../../options/index.ts'
import { UsageError } from './usage-error.ts'

/** Flags of the task: what to do with each record. */
export interface TaskFlags {
  config?: string
  envFile?: string
  field?: string
  template?: string
  hoist?: string
  labels?: string
  schema?: string
  prefix?: string
  instructions?: string
  prompt?: string
  examples?: string
  model?: string
  api?: ApiName
  responseFormat?: OutputMode
  request?: Record<string, unknown>
  countTokens?: Encoding
  maxPackTokens?: number
  maxPackRecords?: number
  maxOutputTokens?: number
  mix?: number
  maxInFlight?: number
  rpm?: number
  tpm?: number
  priceIn?: number
  priceCached?: number
  priceOut?: number
  prices?: string
}

/** Flags of a job: the task and its input. */
export interface JobFlags extends TaskFlags {
  from?: string
  format?: Format
  sheet?: string
  delimiter?: string
  quote?: boolean
  encoding?: string
  select?: string
  limit?: number
  maxRecordBytes?: number
}

/** The lines of an example that make the files of the task. */
export const sampleTask = `  printf 'card\\nfee\\n' > labels.txt
  echo 'Say what the message is about.' > prompt.md`

/** The lines of an example that make all its files. */
export const sampleFiles = `  printf 'id,text\\n1,Where is my card?\\n2,What a high fee!\\n' > tickets.csv
${sampleTask}`

export const flag = (flags: string, description: string): Option => new Option(flags, description)

export function numberFlag(flags: string, description: string): Option {
  const option = flag(flags, description)
  return option.argParser((text) => parseNumber(option.long ?? flags, text))
}

export function parseNumber(name: string, text: string): number {
  const number = text.trim() === '' ? NaN : Number(text)
  if (Number.isNaN(number)) throw new UsageError(`${name}: expected a number, got ${JSON.stringify(text)}`)
  return number
}

function jsonFlag(flags: string, description: string): Option {
  const option = flag(flags, description)
  return option.argParser((text) => {
    const expected = `${option.long ?? flags}: expected a JSON object, such as '{"temperature":0}'`
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (cause) {
      throw new UsageError(`${expected}, got ${JSON.stringify(text)}`, { cause })
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new UsageError(`${expected}, got ${text}`)
    }
    return value
  })
}

/** Adds flags under a heading of their own in the help. */
export function addGroup(command: Command, heading: string, options: readonly Option[]): void {
  command.optionsGroup(heading)
  for (const option of options) command.addOption(option)
}

/** Texts of flags whose meaning depends on the command. */
export interface OwnMeaning {
  /** `undefined`: the command decides the size of packs, and in which order records are packed. */
  readonly maxPackRecords: string | undefined
  readonly rpm: string
  readonly countTokens: string
}

/** Adds the flags of a job. */
export function addJobFlags(command: Command, own: OwnMeaning): void {
  addGroup(command, 'Input:', [
    flag(
      '--format <format>',
      'format of the input (default: by the file name and the content; standard input: jsonl)',
    ).choices([...['jsonl', 'json', 'csv', 'tsv', 'lines', 'parquet', 'xlsx']]),
    flag('--from <source>', "query to read: 'sqlite:FILE?query=SELECT ...'"),
    flag('--sheet <name>', 'sheet of an XLSX file (default: the first that is not hidden)'),
    flag(
      '--delimiter <character>',
      'character between the columns of a CSV input, or \\t (default: by the header)',
    ).argParser((text) => (text === '\\t' ? '\t' : text)),
    flag('--quote', 'quotes surround a cell in a TSV input, as in CSV (default: a quote is a character)'),
    flag(
      '--encoding <name>',
      'encoding of the input, such as windows-1252 or shift_jis (default: UTF-8, or UTF-16 if a file shows it)',
    ),
    flag('--select <path>', 'array within a JSON document: a.b is the array b in the object a'),
    ...textFlags(),
    numberFlag('--limit <number>', 'number of records to read, from the first one'),
    numberFlag('--max-record-bytes <number>', 'size from which a row counts as bad (default: 4194304)'),
  ])
  addTaskFlags(command, own)
}

/** The flags of a record's text. */
export function textFlags(): Option[] {
  return [
    flag(
      '--field <name>',
      'column with the text; a.b is the field b in the column a (default: the whole record)',
    ),
    flag('--template <text>', 'text of a record, with {{column}} for the value of a column'),
    flag(
      '--hoist <columns>',
      'column, or columns with commas, that many records have in common, such as a document: only records with the same value share a request, and it has the value once',
    ),
  ]
}

/** Adds the flags of the task. */
export function addTaskFlags(command: Command, own: OwnMeaning): void {
  addGroup(command, 'Task:', [
    flag('--labels <file>', 'file with one label on each line; a result has one of them as `label`'),
    flag(
      '--schema <file>',
      'form of the result: a JSON Schema, or a .ts or .js module that exports a schema, such as of Zod',
    ),
    flag('--prefix <text>', 'prefix of the names of the result columns'),
    flag('--instructions <file>', 'file that says what to do with each record'),
    flag('--prompt <text>', 'the instructions themselves, instead of a file'),
    flag('--examples <file>', 'file of JSON lines { "record": ..., "value": ... } to show to the model'),
    flag('--model <name>', 'name of the model (or OPENAI_MODEL)'),
    flag(
      '--api <name>',
      `chat (Chat Completions) or responses (the Responses API) (default: ${defaults.api})`,
    ).choices([...['chat', 'responses']]),
    flag(
      '--response-format <name>',
      `form that the server is asked to keep to (default: ${defaults.output})`,
    ).choices([...['json_schema', 'json_object', 'text']]),
    jsonFlag('--request <json>', `more fields for each request: '{"temperature":0}'`),
  ])
  addGroup(command, 'Packs and limits:', [
    ...(own.maxPackRecords === undefined
      ? []
      : [numberFlag('--max-pack-records <number>', own.maxPackRecords)]),
    numberFlag(
      '--max-pack-tokens <number>',
      `largest number of record tokens in one request (default: ${defaults.maxPackTokens})`,
    ),
    numberFlag(
      '--max-output-tokens <number>',
      'largest number of tokens in one answer (default: the limit of the model)',
    ),
    ...(own.maxPackRecords === undefined ? [] : [mixFlag()]),
    numberFlag(
      '--max-in-flight <number>',
      `number of requests at the same time (default: ${defaults.maxInFlight})`,
    ),
    numberFlag('--rpm <number>', `requests per minute (default: ${own.rpm})`),
    numberFlag('--tpm <number>', `tokens per minute (default: ${own.rpm})`),
    flag('--count-tokens <encoding>', own.countTokens).choices(encodingNames),
    numberFlag(
      '--price-in <usd>',
      'price of a million input tokens, in US dollars (default: the list price of the model, if it is known)',
    ),
    numberFlag(
      '--price-cached <usd>',
      'price of a million input tokens from the cache of the provider (default: --price-in)',
    ),
    numberFlag('--price-out <usd>', 'price of a million output tokens'),
    flag('--prices <file>', 'JSON file with a price table to use instead of the list prices'),
  ])
  addGroup(command, 'Settings:', [
    flag(
      '--env-file <file>',
      "file of variables such as OPENAI_API_KEY, like Node's --env-file (default: .env, if it exists)",
    ),
    flag('--config <file>', 'file with a JSON object of these options; its paths start from its folder'),
  ])
}

function mixFlag(): Option {
  return numberFlag(
    '--mix <number>',
    'number of records whose order is drawn at random before they are packed, so that sorted records do not share requests with their neighbours (default: the order of the input)',
  )
}
