import type { Loose } from './forecast.ts'
import type { Plan } from './plan-report.ts'
import type { Range } from '../measure/range.ts'
import type { ResultTokens } from './results.ts'
import { CACHE_START_TOKENS, CACHE_STEP_TOKENS, cachedPart } from './row.ts'
import { span, tenths, whole } from '../terminal/words.ts'

/** What is assumed or estimated, and what is not counted. */
export function notesOf(plan: Plan): string[] {
  return [
    ...recordNotes(plan),
    ...impossibleNotes(plan),
    promptNote(plan),
    outputNote(plan),
    cacheNote(plan),
    timeNote(plan),
    ...looseNotes(plan),
    ...(plan.keepsResults ? [KEPT] : []),
    ...limitNotes(plan),
    'Not counted: retries, and what a model thinks unless it was measured.',
  ]
}

const KEPT =
  'What the --cache file has already is not asked again, and takes nothing: it was not looked at here.'

function recordNotes({ records, limits }: Plan): string[] {
  const { unreadable, repeated, unremembered, overPack, overContext, sampled } = records
  const notes: [number, string, string][] = [
    [unreadable, 'Rows that cannot be asked (broken, or without text)', ', left out.'],
    [repeated, 'Records whose text came before', ', not asked again (--cache).'],
    [
      unremembered,
      'Texts that came when a million were known',
      ': if they came again, they are counted again.',
    ],
    [
      overPack,
      `Records of more than ${whole(limits.maxPackTokens)} tokens (--max-pack-tokens)`,
      ', each alone.',
    ],
    [overContext, "Records too long for the model's context", ', rejected in a run but counted here.'],
    [sampled, 'Records so long that they were counted by samples', '.'],
  ]
  return notes.filter(([n]) => n > 0).map(([n, what, then]) => `${what}: ${whole(n)}${then}`)
}

/** Where an answer with a single result may be more than the output cap, which cuts it off each time. */
function capNote({ element, frame, plain }: ResultTokens, cap: number): string[] {
  const misses = (result: Range, around: number, where: string) => {
    if (around + result.high <= cap) return []
    return [
      around + result.low > cap ? `no result fits ${where}` : `some results, or all, do not fit ${where}`,
    ]
  }
  const missing = [...misses(element, frame, 'in packs'), ...misses(plain, 0, 'alone')]
  return missing.length === 0
    ? []
    : [
        `Too small: under ${whole(cap)} output tokens (--max-output-tokens) ${missing.join(', and ')}, and a record ` +
          'whose result does not fit is rejected.',
      ]
}

/** What would be refused. */
function impossibleNotes({ records, limits, rows, results }: Plan): string[] {
  const { contextTokens = 0, overContextFrom, tokensPerMinute = 0 } = limits
  const [plain = 0, packed = 0] = [1, 5].map((size) => rows.find((row) => row.size === size)?.overLimit)
  return [
    ...capNote(results, limits.maxOutputTokens ?? Infinity),
    ...(overContextFrom === undefined || overContextFrom === 1
      ? []
      : [
          `Too long: some packs of ${overContextFrom} or more, with their answers, do not fit into ` +
            `${whole(contextTokens)} tokens (--context-tokens). A run does not know that before it is refused, and then ` +
            'asks again in smaller ones. Such sizes are not chosen.',
        ]),
    ...(plain + packed > 0
      ? [
          `Over the limit: the prompt is charged more than ${whole(tokensPerMinute)} tokens (--tpm) for ` +
            `${whole(packed)} of ${whole(records.read - records.repeated)} records in a pack of their own, and for ` +
            `${whole(plain)} in a plain request. A provider with this limit never lets them through: there a run ` +
            'rejects them, or stops if it begins with one. Its own limiter lets one through after a wait, as it ' +
            'does not know that. They are counted here as if they were let through.',
        ]
      : []),
  ]
}

function promptNote({ encoding, prompts }: Plan): string {
  const { packed, plain } = prompts
  return (
    `Input is counted by ${encoding}: ${whole(packed.tokens)} fixed tokens in each packed request, ` +
    `${whole(plain.tokens)} in a plain one. Of these ${whole(packed.schemaTokens)} and ${whole(plain.schemaTokens)} ` +
    'are an estimate of the schema from its JSON: how providers count it is not published.'
  )
}

const ASSUMED = {
  strings: 'strings of 10 tokens',
  numbers: 'numbers of 1 to 3 tokens',
  arrays: 'arrays of 1 to 3 items where the schema does not say',
  recursion: 'no value within one of its own kind',
}

/** What other sizes of packs do was not seen: a range is of what was. */
const OTHER_SIZES = ' In packs of another size it may differ.'

function measuredOn({ measuredRequests = 0, measuredPackRecords = 0 }: Plan): string {
  const records = whole(measuredPackRecords)
  return `measured on ${whole(measuredRequests)} requests of about ${records} ${records === '1' ? 'record' : 'records'}`
}

function outputNote(plan: Plan): string {
  const { results } = plan
  const { source, assumed, element, plain } = results
  const sizes = `Output: ${span(element)} tokens a record in packs, ${span(plain)} alone`
  if (source === 'stated') return `${sizes}, as stated.`
  if (source === 'measured') return `${sizes}, as ${measuredOn(plan)}.${OTHER_SIZES}`
  const isRange = element.low < element.high
  const expected = isRange ? `; expected are ${tenths(element.expected)} and ${tenths(plain.expected)}` : ''
  const likely = isRange ? ', each value being as likely as any other' : ''
  if (assumed.length === 0) return `${sizes}${expected}: what the schema allows${likely}.`
  const what = assumed.map((one) => ASSUMED[one]).join(', ')
  return (
    `${sizes}${expected}, estimated from the schema. ASSUMED: ${what}. State the tokens of a result, or measure ` +
    'them in a run.'
  )
}

function cacheNote(plan: Plan): string {
  const { prompts, limits } = plan
  const parts = [prompts.packed, prompts.plain].map(({ fullPrefixTokens }) => cachedPart(fullPrefixTokens))
  const [packed = 0, plain = 0] = parts
  if (packed === 0 && plain === 0) {
    return `Prompt cache: none, as the shared prompt has fewer than ${whole(CACHE_START_TOKENS)} tokens.`
  }
  return (
    `Prompt cache: ${whole(packed)} tokens of each full pack, ${whole(plain)} of each plain request (from ` +
    `${whole(CACHE_START_TOKENS)}, in steps of ${CACHE_STEP_TOKENS}). ASSUMED: it hits in all requests but the first ` +
    `${limits.maxInFlight}; nobody promises that, and it may also hit earlier.${cacheCost(plan)}`
  )
}

function cacheCost({ pricing, rows }: Plan): string {
  if (!pricing) return ''
  const { input, cachedInput } = pricing
  if (cachedInput === undefined) {
    return ' Cached tokens are priced as input, as --price-cached is not given.'
  }
  const isRange = cachedInput !== input && rows.some(({ requests }) => requests > 1)
  return isRange ? ' The lower cost is with hits in all but the first request, the higher without any.' : ''
}

function timeNote(plan: Plan): string {
  const { pace, limits } = plan
  const { timeToFirstToken: first, outputTokensPerSecond: rate, promptTokensPerSecond, slowdown } = pace
  const reading =
    promptTokensPerSecond === undefined
      ? ''
      : `, ${whole(promptTokensPerSecond)} tokens of prompt read a second`
  const load = slowdown === 0 ? '' : `, ${tenths(slowdown * 100)}% slower with each further request in flight`
  const how = {
    stated: 'stated',
    assumed: 'ASSUMED',
    measured: measuredOn(plan),
  }
  const isMeasured = first.source === 'measured' || rate.source === 'measured'
  const isAssumed = first.source === 'assumed' || rate.source === 'assumed'
  return (
    `Time: ${limits.maxInFlight} requests at once, ${span(first, whole)} ms to the first token (${how[first.source]}), ` +
    `${span(rate)} tokens a second after that (${how[rate.source]})${reading}${load}.` +
    (isMeasured ? OTHER_SIZES : '') +
    (isAssumed ? " That is the simulator's latency: state the server's, or measure it in a run." : '')
  )
}

/** Why some figures are approximate. */
function looseNotes({ limits, rows, encoding }: Plan): string[] {
  const { maxPackTokens, maxOutputTokens = 0, recordsUnderCap = 0 } = limits
  const isLoose = (limit: Loose) => rows.some(({ loose }) => loose.includes(limit))
  return [
    ...(isLoose('maxPackTokens')
      ? [
          `~: packs come to ${whole(maxPackTokens)} tokens of records (--max-pack-tokens). A run packs by an estimate ` +
            `of tokens, which it corrects as it goes, unless it is given --count-tokens ${encoding}, which makes ` +
            'this exact.',
        ]
      : []),
    ...(isLoose('maxOutputTokens')
      ? [
          `~: the results of more than about ${recordsUnderCap} ${recordsUnderCap === 1 ? 'record' : 'records'} take over ` +
            `70% of ${whole(maxOutputTokens)} output tokens (--max-output-tokens). Once a run has learned that, no pack ` +
            'has more; the first ones may, and be cut and asked again for what is missing.',
        ]
      : []),
    ...(isLoose('partition')
      ? [
          '~: only records of the same --partition share a pack. Packs that are not full leave when a request may be ' +
            'sent and they have waited for --linger, or when too many records wait. How many they are depends ' +
            'on how fast the answers come.',
        ]
      : []),
    ...(isLoose('cache')
      ? [
          '~: each text is asked once (--cache). New ones that come late, between many that are known, leave in packs ' +
            'that are not full: a run may take more requests.',
        ]
      : []),
  ]
}

function limitNotes({ limits }: Plan): string[] {
  const { tokensPerMinute, requestsPerMinute, maxOutputTokens } = limits
  const stated = [
    requestsPerMinute !== undefined && `${whole(requestsPerMinute)} requests`,
    tokensPerMinute !== undefined && `${whole(tokensPerMinute)} tokens`,
  ].filter((limit) => limit !== false)
  if (stated.length === 0) return []
  const charge =
    tokensPerMinute === undefined
      ? ''
      : " A request is charged its characters / 4, or its output cap where that is more: about twice a pack's" +
        ' results, short ones in the shorter time, long ones in the longer; a plain one sends no cap.' +
        (maxOutputTokens === undefined
          ? ''
          : ' Before the first answer has come, the cap is --max-output-tokens, or a quarter of the limit.')
  return [
    `Limits: ${stated.join(' and ')} a minute, of which a run starts 10 s worth at once. The longer time is ` +
      `for a provider that does not let it.${charge}`,
  ]
}
