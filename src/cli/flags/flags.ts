import { Option, type Command } from 'commander'
import type { ApiName, Encoding } from '../../index.ts'
import type { Format } from '../../files/index.ts'
import { defaults } from '../../options/index.ts'
import { defaultLatency } from '../../simulator/index.ts'
import { UsageError } from './usage-error.ts'

/** What is asked of records, wherever they come from. */
export interface TaskFlags {
  config?: string
  envFile?: string
  field?: string
  template?: string
  labels?: string
  schema?: string
  prefix?: string
  instructions?: string
  prompt?: string
  examples?: string
  model?: string
  api?: ApiName
  request?: Record<string, unknown>
  countTokens?: Encoding
  maxPackTokens?: number
  maxPackRecords?: number
  maxOutputTokens?: number
  maxInFlight?: number
  rpm?: number
  tpm?: number
  priceIn?: number
  priceCached?: number
  priceOut?: number
}

/** What the input is, and what is asked of its records. */
export interface JobFlags extends TaskFlags {
  format?: Format
  limit?: number
  maxRecordBytes?: number
}

/** How it is sent. */
export interface SendingFlags {
  maxCost?: number
  cache?: string
  partition?: string
  linger?: number
  maxAttempts?: number
  firstTokenTimeout?: number
  idleTimeout?: number
  requestTimeout?: number
}

/** How long answers take: of the simulator, or as stated for a plan. */
export interface LatencyFlags {
  timeToFirstToken?: number
  promptTokensPerSecond?: number
  outputTokensPerSecond?: number
  slowdown?: number
}

/** The lines of an example that make what says what is asked. */
export const sampleTask = `  printf 'card\\nfee\\n' > labels.txt
  echo 'Say what the message is about.' > prompt.md`

/** Those that make all the files it needs. */
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

/** Adds flags that stand under a heading of their own in the help. */
export function addGroup(command: Command, heading: string, options: readonly Option[]): void {
  command.optionsGroup(heading)
  for (const option of options) command.addOption(option)
}

/** What a command says of flags that mean something of its own to it. */
export interface OwnMeaning {
  readonly maxPackRecords: string
  readonly rpm: string
  readonly countTokens: string
}

/** The flags of what is asked, of which records, and where. */
export function addJobFlags(command: Command, own: OwnMeaning): void {
  addGroup(command, 'Input:', [
    flag('--format <format>', 'of the input (default: by file name; standard input: jsonl)').choices([
      ...['jsonl', 'json', 'csv', 'tsv', 'lines'],
    ]),
    ...textFlags(),
    numberFlag('--limit <number>', 'only so many records, from the first'),
    numberFlag('--max-record-bytes <number>', 'a longer row is a bad one (default: 4194304)'),
  ])
  addTaskFlags(command, own)
}

/** Which text of a record is asked about. */
export function textFlags(): Option[] {
  return [
    flag('--field <name>', 'column that holds the text, a.b for one inside another (default: whole record)'),
    flag('--template <text>', 'text of a record, with {{column}} for what changes'),
  ]
}

/** The flags of what is asked, and where. */
export function addTaskFlags(command: Command, own: OwnMeaning): void {
  addGroup(command, 'What is asked:', [
    flag('--labels <file>', 'the labels, one a line: the result has one of them as `label`'),
    flag(
      '--schema <file>',
      "the result's form: a JSON Schema, or a .ts or .js module that exports a Zod schema",
    ),
    flag('--prefix <text>', "put before the names of the result's columns"),
    flag('--instructions <file>', 'what to do with each record'),
    flag('--prompt <text>', 'the same, in place'),
    flag('--examples <file>', 'JSON lines of { "record": ..., "value": ... }, shown to the model'),
    flag('--model <name>', 'the model (or OPENAI_MODEL)'),
    flag('--api <name>', 'chat: Chat Completions; responses: the Responses API (default: chat)').choices([
      ...['chat', 'responses'],
    ]),
    jsonFlag('--request <json>', `more fields of the API's request: '{"temperature":0}'`),
  ])
  addGroup(command, 'Packs and limits:', [
    numberFlag('--max-pack-records <number>', own.maxPackRecords),
    numberFlag(
      '--max-pack-tokens <number>',
      `tokens of the records in one request (default: ${defaults.maxPackTokens})`,
    ),
    numberFlag('--max-output-tokens <number>', "cap on one answer (default: the model's own)"),
    numberFlag('--max-in-flight <number>', `requests at once (default: ${defaults.maxInFlight})`),
    numberFlag('--rpm <number>', `requests a minute (default: ${own.rpm})`),
    numberFlag('--tpm <number>', 'tokens a minute (likewise)'),
    flag('--count-tokens <encoding>', own.countTokens).choices([...['o200k_base', 'cl100k_base']]),
    numberFlag('--price-in <usd>', 'US dollars for a million tokens of input'),
    numberFlag(
      '--price-cached <usd>',
      'of input that the provider had in its cache (default: as --price-in)',
    ),
    numberFlag('--price-out <usd>', 'of output'),
  ])
  addGroup(command, 'Settings:', [
    flag(
      '--env-file <file>',
      "variables such as OPENAI_API_KEY, as of Node's --env-file (default: .env, if it is there)",
    ),
    flag('--config <file>', 'a JSON object of these options; paths in it count from its folder'),
  ])
}

export function sendingFlags(): Option[] {
  return [
    numberFlag('--max-cost <usd>', 'stop before more is spent in this run, by --price-in and --price-out'),
    flag('--cache <file>', 'keep results in an SQLite file, and ask the same text only once'),
    flag('--partition <name>', 'column: only records of the same value share a request'),
    numberFlag(
      '--linger <ms>',
      `how long a pack that is not full waits for company (default: ${defaults.linger})`,
    ),
    numberFlag(
      '--max-attempts <number>',
      `how often one record may be tried (default: ${defaults.maxAttempts})`,
    ),
    numberFlag(
      '--first-token-timeout <ms>',
      `until the first token of an answer (default: ${defaults.firstTokenTimeout})`,
    ),
    numberFlag('--idle-timeout <ms>', `between two tokens (default: ${defaults.idleTimeout})`),
    numberFlag('--request-timeout <ms>', `for a whole request (default: ${defaults.requestTimeout})`),
  ]
}

/** How often the simulator misbehaves. */
export interface FaultFlags {
  faultRate?: number
  faultSeed?: number
}

export function faultFlags(): Option[] {
  return [
    numberFlag(
      '--fault-rate <share>',
      'share of requests that go wrong, from 0 to 1, in all ways alike (default: 0)',
    ),
    numberFlag('--fault-seed <number>', 'which requests go wrong, and how (default: 1)'),
  ]
}

/** The flags of the simulator's latency. */
export function latencyFlags(): Option[] {
  return [
    numberFlag('--time-to-first-token <ms>', `of an answer (default: ${defaultLatency.timeToFirstToken})`),
    numberFlag(
      '--prompt-tokens-per-second <number>',
      `or Infinity (default: ${defaultLatency.promptTokensPerSecond})`,
    ),
    numberFlag(
      '--output-tokens-per-second <number>',
      `or Infinity (default: ${defaultLatency.outputTokensPerSecond})`,
    ),
    numberFlag(
      '--slowdown <number>',
      `how much each further request in flight slows the others (default: ${defaultLatency.slowdown})`,
    ),
  ]
}

/** The flags of a run against the simulator. */
export function addTrialFlags(command: Command): void {
  addGroup(command, 'Trying it out:', [
    flag('--simulate', 'send to an embedded server that is not a model'),
    ...latencyFlags(),
    ...faultFlags(),
  ])
}
