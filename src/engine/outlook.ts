import type { Ledger } from '../accounts/ledger.ts'
import type { FinishedRequest } from '../answer/finished-request.ts'
import { scrub } from '../answer/scrub.ts'
import { textsOf, type Entry } from '../record/entry.ts'
import type { RequestErrorCode } from '../record/errors.ts'
import type { ResultFormat } from '../request/result-format.ts'
import { nameOf, type Definitions, type JsonSchema } from '../request/json-schema.ts'
import type { Stop } from './departure.ts'

/** Number of records and of answers without any result after which a job has no prospect. */
const LEAST_RECORDS = 40
const LEAST_ANSWERS = 4
/** Number of these answers that were about a record alone, which is the easiest question. */
const LEAST_ALONE = 4
/** Longest quotation of a label that the model invented, in characters. */
const QUOTATION_LENGTH = 40

const CHECK = 'Check `model`, `schema` and the instructions.'

/** Failures that come from the form of the answers. */
const FORMS: Partial<Record<RequestErrorCode, string>> = {
  not_json: 'the answers were not JSON',
  cut_short: 'the answers ended without a finish reason',
  runaway: 'the answers did not end',
}

export interface OutlookRules {
  readonly format: Pick<ResultFormat<unknown>, 'jsonSchema'>
  /**
   * Number of records that may be rejected. Below 1: the share of the records with an outcome.
   * `Infinity`: any number.
   */
  readonly maxRejects: number
}

/** Finds out whether a job has no prospect: no usable answer, or too many rejected records. */
export class Outlook {
  readonly #rules: OutlookRules
  readonly #ledger: Ledger
  readonly #asked = new Set<number>()
  /** What came, with the number of answers. */
  readonly #came = new Map<string, number>()
  #answers = 0
  #alone = 0
  #hasResult = false

  constructor(rules: OutlookRules, ledger: Ledger) {
    this.#rules = rules
    this.#ledger = ledger
  }

  /**
   * Whether enough answers had no result, but smaller packs may help. Then only a record alone may
   * leave, when no request is running.
   */
  get isInDoubt(): boolean {
    return !this.#hasResult && this.#asked.size >= LEAST_RECORDS && this.#answers >= LEAST_ANSWERS
  }

  /** Why the job must end. `undefined` if it may go on. */
  get end(): Stop | undefined {
    if (this.isInDoubt && this.#alone >= LEAST_ALONE) {
      const [most] = Array.from(this.#came).toSorted(([, a], [, b]) => b - a)
      const none = `None of the first ${this.#asked.size} records got a result, in ${this.#answers} answers`
      const message = `${none}: ${most?.[0] ?? ''}`
      return { code: 'unusable_answers', message }
    }
    const { maxRejects } = this.#rules
    const { fulfilled, rejected } = this.#ledger.records
    const all = fulfilled + rejected
    const most = maxRejects > 0 && maxRejects < 1 ? Math.max(all, LEAST_RECORDS) * maxRejects : maxRejects
    if (rejected <= most) return undefined
    const message = `${rejected} of ${all} records were rejected, and \`maxRejects\` is ${maxRejects}.`
    return { code: 'too_many_rejects', message }
  }

  /** Learns from a finished request. */
  learn(pack: readonly Entry<unknown>[], finished: FinishedRequest<unknown>): void {
    if (finished.unsettled.length < pack.length) this.#hasResult = true
    const came = this.#hasResult ? undefined : this.#whatCame(pack, finished)
    if (came === undefined) return
    const { end } = finished
    const isNoApi = end.kind === 'failure' && end.error.code === 'not_a_stream'
    for (const { index } of pack) this.#asked.add(index)
    const why = isNoApi ? came : `${came}. ${CHECK}`
    this.#came.set(why, (this.#came.get(why) ?? 0) + 1)
    this.#answers += 1
    if (pack.length === 1) this.#alone += 1
  }

  /** `undefined`: the end says nothing about the form of the answers. */
  #whatCame(
    pack: readonly Entry<unknown>[],
    { end, elements, characters, raw, events }: FinishedRequest<unknown>,
  ): string | undefined {
    if (end.kind === 'failure' && end.error.code === 'not_json' && raw === '' && events.thought > 0) {
      return 'all of the answers came as thoughts, and no text after them'
    }
    if (end.kind === 'failure' && end.error.code === 'not_a_stream') return noApi(end.error.message)
    if (end.kind === 'failure' && elements === 0) return FORMS[end.error.code]
    if (end.kind === 'length' && elements === 0) return 'the answers were cut before the first result'
    if (elements === 0) return end.kind === 'complete' ? 'the answers had no elements' : undefined
    if (characters.invalid === 0) return 'no element had an id that was asked'
    return this.#mismatch(pack)
  }

  /** The first place where a result of the pack does not match the schema. */
  #mismatch(pack: readonly Entry<unknown>[]): string {
    const invalid = pack.map((entry) => entry.invalid).find((error) => error !== undefined)
    const path = (invalid?.issues[0]?.path ?? []).map(String)
    const at = path.length === 0 ? 'the result' : `\`${path.join('.')}\``
    const { labels, value } = look(this.#rules.format.jsonSchema, path, invalid?.raw)
    if (!labels) return `${at} never matched the schema`
    const never = `${at} was never one of the labels`
    if (value === undefined) return never
    // A label that the model invented is no text of a record.
    const quoted = scrub(value.slice(0, QUOTATION_LENGTH), textsOf(pack))
    return `${never}; for example \`${quoted}\``
  }
}

/** The server is probably no API, and the message of the failure may say so already. */
function noApi(message: string): string {
  const check = message.includes('`client.baseURL`') ? '' : '. Check `client.baseURL`.'
  return `e${message.slice(1)}${check}`
}

/** The labels that the schema allows at a place of a result, and the text that an element has. */
function look(
  schema: JsonSchema,
  path: readonly string[],
  element: string | undefined,
): { labels: unknown; value: string | undefined } {
  const definitions = schema['$defs'] as Definitions | undefined
  let node = child(child(schema, 'results', definitions), '0', definitions)
  let value = parsed(element)
  // A result that is not flat is the property `value`.
  const isFlat = path[0] !== undefined && child(node, path[0], definitions) !== undefined
  for (const key of isFlat ? path : ['value', ...path]) {
    node = child(node, key, definitions)
    value = (value as Record<string, unknown> | null | undefined)?.[key]
  }
  return { labels: node?.['enum'], value: typeof value === 'string' ? value : undefined }
}

/** `undefined`: the text was cut. */
function parsed(text = ''): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function child(
  node: JsonSchema | undefined,
  key: string,
  definitions: Definitions | undefined,
): JsonSchema | undefined {
  const { properties, items } = (node ?? {}) as { properties?: Definitions; items?: JsonSchema }
  const found = properties?.[key] ?? items
  return definitions?.[nameOf(found ?? {}) ?? ''] ?? found
}
