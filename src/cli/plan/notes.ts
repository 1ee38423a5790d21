import { BURST_MS, EXPECTED_FILL } from '../../engine/index.ts'
import { duration, tenths, span, whole } from '../terminal/words.ts'
import type { Range } from '../measure/range.ts'
import { waysNotes } from '../ways/format.ts'
import { SHOWN } from './flags.ts'
import type { Loose } from '../estimate/forecast.ts'
import type { Plan } from './plan-report.ts'
import { CACHE_START_TOKENS, CACHE_STEP_TOKENS, cachedPart } from '../estimate/row.ts'
import { MOST_TEXTS } from '../estimate/seen-texts.ts'

/** A sentence or more about one subject. */
export interface Note {
  readonly about:
    | 'records'
    | 'impossible'
    | 'ways'
    | 'cost'
    | 'input'
    | 'output'
    | 'cache'
    | 'time'
    | 'loose'
    | 'limits'
    | 'rest'
  readonly text: string
}

/** The assumptions and estimates of a plan, and what it does not count. */
export function notesOf(plan: Plan): Note[] {
  const about = (subject: Note['about'], ...texts: readonly string[]): Note[] =>
    texts.map((text) => ({ about: subject, text }))
  return [
    ...about('records', ...recordNotes(plan)),
    ...about('impossible', ...capNotes(plan), ...contextNotes(plan), ...overLimitNotes(plan)),
    ...about('ways', ...(plan.ways ? waysNotes(plan.ways) : [])),
    ...about('cost', ...costNotes(plan)),
    ...about('input', inputNote(plan), ...hoistNotes(plan)),
    ...about('output', outputNote(plan)),
    ...about('cache', cacheNote(plan)),
    ...about('time', timeNote(plan)),
    ...about('loose', ...looseNotes(plan)),
    ...about('limits', ...limitNotes(plan)),
    ...about('rest', 'Not counted: retries, and the thinking of a model unless it was measured.'),
  ]
}

function recordNotes({ records, limits }: Plan): string[] {
  const { unreadable, repeated, unremembered, overPack, overContext, sampled } = records
  const tokens = `${whole(limits.maxPackTokens)} tokens (--max-pack-tokens)`
  const notes: [number, string, string][] = [
    [unreadable, 'Broken rows, and rows without text', 'A run leaves them out.'],
    [repeated, 'Records with a text that came before', 'A run asks each text once (--cache).'],
    [
      unremembered,
      `Texts that came after ${whole(MOST_TEXTS)} other texts`,
      'If such a text comes again, the plan counts it again.',
    ],
    [overPack, `Records of more than ${tokens}`, 'Each travels alone.'],
    [
      overContext,
      "Records that are too long for the model's context",
      'A run rejects them, but the figures count them.',
    ],
    [sampled, 'Very long records', 'The plan counts samples of them.'],
  ]
  return notes.filter(([n]) => n > 0).map(([n, what, then]) => `${what}: ${whole(n)}. ${then}`)
}

/** Tells that results are longer than the output cap, which cuts them off each time. */
function capNotes({ results, limits }: Plan): string[] {
  const { maxOutputTokens: cap = Infinity } = limits
  const missing = (result: Range, around: number, where: string) => {
    if (around + result.high <= cap) return []
    return [`${around + result.low > cap ? 'no result fits' : 'some or all results do not fit'} ${where}`]
  }
  const { element, frame, plain } = results
  const all = [...missing(element, frame, 'in packs'), ...missing(plain, 0, 'alone')]
  if (all.length === 0) return []
  return [
    `Too small: under ${whole(cap)} output tokens (--max-output-tokens) ${all.join(', and ')}. A run rejects a ` +
      'record whose result does not fit.',
  ]
}

function contextNotes({ limits: { contextTokens = 0, overContextFrom = 1 } }: Plan): string[] {
  if (overContextFrom === 1) return []
  return [
    `Too long: some packs of ${overContextFrom} or more records do not fit into ${whole(contextTokens)} tokens ` +
      '(--context-tokens) with their answers. A run learns that when the server refuses them, and asks again in ' +
      'smaller packs. The plan does not choose such sizes.',
  ]
}

function overLimitNotes({ records, limits, rows }: Plan): string[] {
  const [plain = 0, packed = 0] = SHOWN.map((size) => rows.find((row) => row.size === size)?.overLimit)
  if (plain + packed === 0) return []
  return [
    `Over the limit: the prompt is charged more than ${whole(limits.tokensPerMinute ?? 0)} tokens (--tpm) for ` +
      `${whole(packed)} of ${whole(records.read - records.repeated)} records in a pack of their own, and for ` +
      `${whole(plain)} in a plain request. A provider with this limit never accepts such a request: a run rejects ` +
      'the record, or stops if it is the first. The limiter of the run does not know that, and sends it after a ' +
      'wait. The figures count such requests as if the provider accepted them.',
  ]
}

function costNotes({ price }: Plan): string[] {
  if (price === undefined || price.said === '') return []
  const said = `Costs: ${price.said}.`
  if (!price.pricing) return [said]
  const { input, cachedInput, output } = price.pricing
  const cached = cachedInput === undefined ? '' : `, $${cachedInput} of cached input`
  const write = price.list?.cacheWrite
  const writes =
    write === undefined
      ? ''
      : ` Input that the provider writes into its cache costs $${write}: the plan counts it as other input.`
  return [`${said} A million tokens: $${input} of input${cached}, $${output} of output.${writes}`]
}

function hoistNotes({ hoist, rows, chosen }: Plan): string[] {
  const row = rows.find(({ size }) => size === chosen?.size) ?? rows.at(-1)
  const most = row?.isPacked ? row : rows.findLast(({ isPacked }) => isPacked)
  if (hoist.length === 0 || !most) return []
  const { savedTokens, inputTokens, size, loose } = most
  const about = loose.length === 0 ? '' : 'about '
  return [
    `Shared (--hoist ${hoist.join(',')}): packs of ${size} send ${about}${whole(savedTokens)} input tokens less than ` +
      `packs that repeat it in each record (${whole(inputTokens + savedTokens)}). A plain request has it, too. Not ` +
      'counted: the cache of the provider may keep it from one pack to the next with the same value.',
  ]
}

function inputNote({ encoding, prompts: { packed, plain } }: Plan): string {
  return (
    `Input is counted by ${encoding}: ${whole(packed.tokens)} fixed tokens in each packed request, ` +
    `${whole(plain.tokens)} in each plain request. Of these, ${whole(packed.schemaTokens)} and ` +
    `${whole(plain.schemaTokens)} are an estimate of the schema from its JSON, because providers do not publish ` +
    'how they count it.'
  )
}

const ASSUMED = {
  strings: 'strings of 10 tokens',
  numbers: 'numbers of 1 to 3 tokens',
  arrays: 'arrays of 1 to 3 items if the schema gives no number',
  recursion: 'no value inside a value of its own kind',
}

/** A measured range holds for the pack sizes of its run. */
const OTHER_SIZES = ' Packs of another size may differ.'

function measuredOn({ measuredRequests = 0, measuredPackRecords = 0 }: Plan): string {
  const records = whole(measuredPackRecords)
  return `measured on ${whole(measuredRequests)} requests of about ${records} ${records === '1' ? 'record' : 'records'}`
}

function outputNote(plan: Plan): string {
  const { source, assumed, element, plain } = plan.results
  const sizes = `Output: ${span(element)} tokens a record in packs, ${span(plain)} alone`
  if (source === 'stated') return `${sizes}, as stated.`
  if (source === 'measured') return `${sizes}, as ${measuredOn(plan)}.${OTHER_SIZES}`
  const isRange = element.low < element.high
  const expected = isRange ? `; expected are ${tenths(element.expected)} and ${tenths(plain.expected)}` : ''
  if (assumed.length === 0) {
    return `${sizes}${expected}. The schema allows that${isRange ? '; each value counts as equally likely' : ''}.`
  }
  return (
    `${sizes}${expected}, estimated from the schema. ASSUMED: ${assumed.map((one) => ASSUMED[one]).join(', ')}. ` +
    'State the tokens of a result (--output-tokens), or measure them in a run (--measured).'
  )
}

function cacheNote(plan: Plan): string {
  const { prompts, limits } = plan
  const packed = cachedPart(prompts.packed.fullPrefixTokens)
  const plain = cachedPart(prompts.plain.fullPrefixTokens)
  const start = `${whole(CACHE_START_TOKENS)} tokens`
  if (packed === 0 && plain === 0) {
    return `Prompt cache: none, because the shared prompt has fewer than ${start}.`
  }
  return (
    `Prompt cache: ${whole(packed)} tokens of each full pack, ${whole(plain)} of each plain request (from ${start}, ` +
    `in steps of ${CACHE_STEP_TOKENS}). ASSUMED: it hits in all requests after the first ${limits.maxInFlight}. No ` +
    `provider promises that, and it may also hit earlier.${cacheCost(plan)}`
  )
}

function cacheCost({ pricing, rows }: Plan): string {
  if (!pricing) return ''
  const { input, cachedInput } = pricing
  if (cachedInput === undefined) {
    return ' Cached tokens cost as much as other input, because they have no price of their own (--price-cached).'
  }
  const isRange = cachedInput !== input && rows.some(({ requests }) => requests > 1)
  return isRange
    ? ' The lower cost assumes hits in all requests after the first; the higher cost assumes no hit.'
    : ''
}

function timeNote(plan: Plan): string {
  const { timeToFirstToken: first, outputTokensPerSecond: rate, promptTokensPerSecond, slowdown } = plan.pace
  const prompt =
    promptTokensPerSecond === undefined ? '' : `, ${whole(promptTokensPerSecond)} tokens of prompt a second`
  const load = slowdown === 0 ? '' : `, ${tenths(slowdown * 100)}% slower with each further request in flight`
  const how = { stated: 'stated', assumed: 'ASSUMED', measured: measuredOn(plan) }
  const sources = [first.source, rate.source]
  return (
    `Time: ${plan.limits.maxInFlight} requests at once, ${span(first, whole)} ms to the first token ` +
    `(${how[first.source]}), then ${span(rate)} tokens a second (${how[rate.source]})${prompt}${load}.` +
    (sources.includes('measured') ? OTHER_SIZES : '') +
    (sources.includes('assumed')
      ? ' The assumed figures are those of the simulator: state the figures of your server, or measure them in a ' +
        'run (--measured).'
      : '')
  )
}

/** Why some figures are approximate. */
function looseNotes({ limits, rows, encoding, keepsResults, hoist }: Plan): string[] {
  const { maxPackTokens, maxOutputTokens = 0, recordsUnderCap = 0 } = limits
  const records = `${recordsUnderCap} ${recordsUnderCap === 1 ? 'record' : 'records'}`
  const why: Record<Loose, string> = {
    maxPackTokens:
      `packs reach ${whole(maxPackTokens)} tokens of records (--max-pack-tokens). A run estimates tokens, and ` +
      `corrects the estimate as it goes. With --count-tokens ${encoding} it counts them, and these figures are exact.`,
    maxOutputTokens:
      `the results of more than about ${records} take over ${whole(EXPECTED_FILL * 100)}% of ${whole(maxOutputTokens)} output tokens ` +
      '(--max-output-tokens). Once a run has learned that, it makes smaller packs. The answers to its first packs ' +
      'may be cut, and it asks again for the missing results.',
    partition:
      `only records of the same ${hoist.length > 0 ? '--hoist' : '--partition'} share a pack. A pack that is not full leaves when it has waited for ` +
      '--linger, or when too many records wait. The number of packs depends on how fast the answers come.',
    cache:
      'each text is asked once (--cache). A new text that comes late, between many known texts, leaves in a pack ' +
      'that is not full: a run may take more requests.',
  }
  const loose = (Object.keys(why) as Loose[]).filter((limit) => rows.some((row) => row.loose.includes(limit)))
  return [
    ...loose.map((limit) => `~: ${why[limit]}`),
    ...(keepsResults
      ? ['A run does not ask again for the results in the --cache file. The plan does not read that file.']
      : []),
  ]
}

function limitNotes({ limits: { tokensPerMinute, requestsPerMinute, maxOutputTokens } }: Plan): string[] {
  const stated = [
    ...(requestsPerMinute === undefined ? [] : [`${whole(requestsPerMinute)} requests`]),
    ...(tokensPerMinute === undefined ? [] : [`${whole(tokensPerMinute)} tokens`]),
  ]
  if (stated.length === 0) return []
  const charge =
    tokensPerMinute === undefined
      ? ''
      : ' A packed request is charged a quarter of its characters, or its output cap if that is more. The cap is ' +
        'about twice the results of the pack: short results in the shorter time, long results in the longer time. A ' +
        'plain request has no cap.'
  const first =
    tokensPerMinute === undefined || maxOutputTokens === undefined
      ? ''
      : ' Before the first answer, the cap is --max-output-tokens, or a quarter of the limit if that is less.'
  return [
    `Limits: ${stated.join(' and ')} a minute. A run starts the requests of ${duration(BURST_MS)} at once. The longer time is for a ` +
      `provider that does not allow that.${charge}${first}`,
  ]
}
