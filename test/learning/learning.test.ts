import { describe, expect, it } from 'vitest'
import type { Usage } from '../../src/api/answer.ts'
import { RequestError, type RequestErrorCode } from '../../src/record/errors.ts'
import type { Entry } from '../../src/record/entry.ts'
import { Learning, type LearningRules } from '../../src/learning/learning.ts'
import type { FinishedRequest } from '../../src/answer/finished-request.ts'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import { entryOf } from '../helpers/entry.ts'

const error = new RequestError('api_error', 'x')
const failed = (code: RequestErrorCode): RequestEnd & { kind: 'failure' } => {
  return { kind: 'failure', retryAfter: undefined, error: new RequestError(code, 'x') }
}
const ENDS = {
  complete: { kind: 'complete' },
  length: { kind: 'length', isFinal: false, isChosen: false },
  refusal: { kind: 'refusal', refusal: undefined },
  content_filter: { kind: 'content_filter', error: undefined },
  context: { kind: 'context', error },
  refused_request: { kind: 'refused_request', isSilent: false, code: 'bad_request', message: 'x', error },
  too_large: { kind: 'too_large', error },
  rate_limit: { kind: 'rate_limit', headers: undefined, error },
  cap_refused: { kind: 'cap_refused', error },
  stray: { kind: 'stray', error },
  form_refused: { kind: 'form_refused', error },
  failure: failed('connection'),
  fatal: { kind: 'fatal', code: 'bad_request', message: 'x', error },
} satisfies { [K in RequestEnd['kind']]: RequestEnd & { kind: K } }
const kinds = Object.keys(ENDS) as (keyof typeof ENDS)[]

type Limits = Partial<Pick<LearningRules, 'maxOutputTokens' | 'maxPackTokens' | 'maxPackRecords'>>

/** A server whose prompts have 100 tokens beside the records, and one token per four bytes. */
function learningOf(limits: Limits = {}): Learning {
  const options = { maxOutputTokens: undefined, maxPackTokens: 1_000, maxPackRecords: 25, ...limits }
  const texts = { system: 'x'.repeat(398), examples: 0, format: { jsonSchema: {} } }
  return new Learning({ countTokens: undefined, ...texts, ...options })
}

function runOf(changes: Partial<FinishedRequest<unknown>> = {}): FinishedRequest<unknown> {
  return {
    ...{
      end: ENDS.complete,
      usage: undefined,
      hasBegun: true,
      isUsageEarly: false,
      firstToken: 0,
      events: { text: 0, thought: 0 },
    },
    ...{ responseId: undefined, elements: 0, hasStrayId: false, isWrapped: false, raw: '', unsettled: [] },
    characters: { fulfilled: 0, invalid: 0, repeated: 0, unknown: 0, unfinished: 0 },
    ...changes,
  }
}

const packOf = (count: number, changes: Partial<Entry<string>> = {}): Entry<string>[] =>
  Array.from({ length: count }, (_, index) => entryOf(index, changes))

const usageOf = (output: number, reasoning = 0): Usage => ({ input: 500, output, cached: 0, reasoning })

/** A model whose results take ten tokens each. */
function learned(limits: Limits = {}): Learning {
  const learning = learningOf(limits)
  learning.learn(packOf(25), undefined, runOf({ usage: usageOf(250), elements: 25 }))
  return learning
}

describe('the tokens of a request without reported usage', () => {
  /** 100 tokens of the prompt, 8 tokens of its tags, and 10 tokens of its 40 bytes. */
  const PROMPT = 118
  const pack = [entryOf(0, { text: 'x'.repeat(40) })]
  const characters = { fulfilled: 200, invalid: 80, repeated: 40, unknown: 40, unfinished: 40 }

  it.each<
    [what: string, run: Partial<FinishedRequest<unknown>>, input: number, output: number, reasoning: number]
  >([
    ['an answer: all its characters', { characters }, PROMPT, 100, 0],
    [
      'one of many events, mostly one a token',
      { characters, events: { text: 150, thought: 0 } },
      PROMPT,
      150,
      0,
    ],
    ['one of few events', { characters, events: { text: 3, thought: 0 } }, PROMPT, 100, 0],
    [
      'thoughts, of which nothing else is known',
      { characters, events: { text: 3, thought: 30 } },
      PROMPT,
      130,
      30,
    ],
    ['nothing but thoughts', { events: { text: 0, thought: 30 } }, PROMPT, 30, 30],
    ['an answer that broke off', { end: failed('connection'), characters }, PROMPT, 100, 0],
    ['one that was cut', { end: ENDS.length, characters }, PROMPT, 100, 0],
    ['no answer', { end: failed('connection'), hasBegun: false }, 0, 0, 0],
    ['an error before it began', { end: failed('api_error'), hasBegun: false }, 0, 0, 0],
    ['a 429', { end: ENDS.rate_limit, hasBegun: false }, 0, 0, 0],
    ['a refused request', { end: ENDS.refused_request, hasBegun: false }, 0, 0, 0],
    ['a refused cap', { end: ENDS.cap_refused, hasBegun: false }, 0, 0, 0],
    ['a refused form', { end: ENDS.form_refused, hasBegun: false }, 0, 0, 0],
    // The server has read the prompt of an aborted request.
    ['no first token in time', { end: failed('first_token_timeout'), hasBegun: false }, PROMPT, 0, 0],
    ['no end in time', { end: failed('request_timeout'), hasBegun: false }, PROMPT, 0, 0],
    ['silence', { end: failed('idle_timeout'), characters }, PROMPT, 100, 0],
    [
      'silence after thoughts',
      { end: failed('idle_timeout'), events: { text: 0, thought: 9 } },
      PROMPT,
      9,
      9,
    ],
  ])('%s', (_what, run, input, output, reasoning) => {
    expect(learningOf().learn(pack, undefined, runOf(run))).toEqual({ input, output, cached: 0, reasoning })
  })

  it('no token until the deadline counts as reasoning up to the cap', () => {
    for (const code of ['first_token_timeout', 'request_timeout'] as const) {
      const taken = learningOf().learn(pack, 500, runOf({ end: failed(code), hasBegun: false }))
      expect(taken).toEqual({ input: PROMPT, output: 500, cached: 0, reasoning: 0 })
    }
  })

  it('hidden reasoning counts as the longest of earlier answers, within the cap', () => {
    const learning = learningOf()
    const cut = runOf({ end: ENDS.stray, characters })
    expect(learning.learn(pack, 5_000, cut)).toMatchObject({ output: 100, reasoning: 0 })
    const usage = { ...usageOf(2_010, 2_000), input: PROMPT }
    learning.learn(pack, undefined, runOf({ usage, elements: 1 }))
    expect(learning.learn(pack, 5_000, cut)).toMatchObject({ output: 2_100, reasoning: 2_000 })
    expect(learning.learn(pack, 500, cut)).toMatchObject({ output: 500, reasoning: 400 })
    const shown = { ...cut, events: { text: 0, thought: 9 } }
    expect(learning.learn(pack, 5_000, shown)).toMatchObject({ output: 109, reasoning: 9 })
    const unread = { ...cut, end: ENDS.failure, hasBegun: false, characters: { ...characters, fulfilled: 0 } }
    expect(learning.learn(pack, 5_000, unread)).toMatchObject({ reasoning: 0 })
  })

  it('reported usage is used unchanged', () => {
    const usage = usageOf(7, 3)
    const run = runOf({ usage, characters, events: { text: 99, thought: 99 } })
    expect(learningOf().learn(pack, undefined, run)).toEqual(usage)
  })

  it.each(kinds)('%s: estimates show the length of results only if there was an answer', (kind) => {
    const learning = learningOf()
    learning.learn(packOf(10), undefined, runOf({ end: ENDS[kind], characters, elements: 10 }))
    const hasLearned = kind === 'complete' || kind === 'length'
    expect(learning.expectedOutput(packOf(1))).toBe(hasLearned ? 10 : undefined)
  })
})

describe('the cap of a pack', () => {
  const alone = packOf(1, { needsMaxCap: true })

  it.each<[what: string, limits: Limits, pack: Entry<string>[], largest: number, cap: number | undefined]>([
    ['none is known, and none is sent', {}, packOf(25), Infinity, undefined],
    ['nor where there is a limit', {}, packOf(25), 1_000, undefined],
    ["the user's", { maxOutputTokens: 4_000 }, packOf(25), Infinity, 4_000],
    ["the user's, below a quarter of the limit", { maxOutputTokens: 4_000 }, packOf(25), 16_000, 4_000],
    ['no more than a quarter of it', { maxOutputTokens: 4_000 }, packOf(25), 10_000, 2_500],
    ['in whole tokens', { maxOutputTokens: 4_000 }, packOf(25), 10_003, 2_500],
    ['more where one record needs it', { maxOutputTokens: 4_000 }, alone, 10_000, 4_000],
    ['all of it at most', { maxOutputTokens: 4_000 }, alone, 3_000, 3_000],
    ['none where one record needs it', {}, alone, 3_000, undefined],
  ])('before the first answer: %s', (_what, limits, pack, largest, cap) => {
    expect(learningOf(limits).capFor(pack, largest)).toBe(cap)
  })

  it.each<[what: string, limits: Limits, pack: Entry<string>[], largest: number, cap: number | undefined]>([
    ['what is learned', {}, packOf(25), Infinity, 552],
    ['what is learned, below a quarter of the limit', {}, packOf(25), 2_208, 552],
    ['no more than a quarter of it', {}, packOf(25), 2_207, 551],
    ["the user's, where one record needs it", { maxOutputTokens: 4_000 }, alone, Infinity, 4_000],
    ['all of the limit at most', { maxOutputTokens: 4_000 }, alone, 2_207, 2_207],
    ['none, where one record needs it and the user set none', {}, alone, 2_207, undefined],
  ])('after the first answer: %s', (_what, limits, pack, largest, cap) => {
    expect(learned(limits).capFor(pack, largest)).toBe(cap)
  })

  it('is no refused cap, but the cap of the user or none', () => {
    for (const maxOutputTokens of [undefined, 4_000]) {
      const learning = learned({ maxOutputTokens })
      expect(learning.refusedCap).toBe(Infinity)
      learning.learn(packOf(25), 552, runOf({ end: ENDS.cap_refused, hasBegun: false }))
      expect(learning.refusedCap).toBe(552)
      expect(learning.capFor(packOf(25), Infinity)).toBe(maxOutputTokens)
      // A smaller pack gets a clearly smaller cap.
      expect(learning.capFor(packOf(5), Infinity)).toBe(152)
      expect(learning.capFor(packOf(5, { needsNoCap: true }), Infinity)).toBe(maxOutputTokens)
      expect(learning.expectedOutput(packOf(25))).toBe(250)
    }
  })

  it("is not a quarter of the limit, if the server refused it, and not the user's larger cap", () => {
    const learning = learningOf({ maxOutputTokens: 500_000 })
    learning.learn(packOf(25), 375_000, runOf({ end: ENDS.cap_refused, hasBegun: false }))
    expect(learning.capFor(packOf(25), 1_500_000)).toBeUndefined()
    expect(learning.capFor(packOf(25), Infinity)).toBe(500_000)
  })

  it.each<[what: string, isSilent: boolean, cap: number | undefined, kind: string]>([
    ['a refusal with a reason', false, 552, 'refused_request'],
    ['a silent refusal of a learned cap', true, 552, 'cap_refused'],
    ['a silent refusal of about an accepted cap', true, 200, 'refused_request'],
    ["a silent refusal of the user's cap", true, 4_000, 'refused_request'],
    ['a silent refusal without a cap', true, undefined, 'refused_request'],
  ])('%s with the cap %s', (_what, isSilent, cap, kind) => {
    const learning = learned({ maxOutputTokens: 4_000 })
    learning.learn(packOf(5), 150, runOf({}))
    expect(learning.judge({ ...ENDS.refused_request, isSilent }, packOf(5), cap).kind).toBe(kind)
  })

  it('needs more room after a cut, and reports it', () => {
    const learning = learned()
    expect(learning.room).toBe(1)
    learning.learn(packOf(25), 552, runOf({ end: ENDS.length, usage: usageOf(552), elements: 20 }))
    expect(learning.room).toBe(2)
  })

  it('a cut without usage shows as well that more room is needed', () => {
    const learning = learned()
    learning.learn(
      packOf(25),
      552,
      runOf({ end: ENDS.length, events: { text: 552, thought: 0 }, elements: 20 }),
    )
    expect(learning.room).toBe(2)
  })
})

describe('the size of a pack', () => {
  const tooLong = (learning: Learning, pack: Entry<string>[]): number => {
    learning.learn(pack, undefined, runOf({ end: ENDS.context, hasBegun: false }))
    return learning.limits.maxTokens
  }

  it('becomes smaller after each pack that was longer than the context', () => {
    const learning = learningOf()
    expect(learning.limits).toEqual({ maxTokens: 1_000, maxItems: 25 })
    expect(tooLong(learning, packOf(10, { tokens: 80 }))).toBe(560)
    expect(tooLong(learning, packOf(7, { tokens: 80 }))).toBe(392)
    // Packs that were in flight add no new information.
    expect(tooLong(learning, packOf(7, { tokens: 80 }))).toBe(392)
    expect(tooLong(learning, packOf(10, { tokens: 80 }))).toBe(392)
  })

  it('is at least one token', () => {
    const learning = learningOf()
    for (let i = 0; i < 100; i++)
      expect(tooLong(learning, packOf(2, { tokens: 1 }))).toBeGreaterThanOrEqual(1)
  })

  it('is restored if a single record is guilty', () => {
    const learning = learningOf()
    for (const count of [8, 4, 2]) tooLong(learning, packOf(count, { tokens: 80 }))
    expect(learning.limits.maxTokens).toBe(112)
    expect(tooLong(learning, packOf(1, { tokens: 80 }))).toBe(1_000)
  })

  it.each(kinds.filter((kind) => kind !== 'context'))('%s does not change its tokens', (kind) => {
    const learning = learningOf()
    learning.learn(packOf(10, { tokens: 80 }), 100, runOf({ end: ENDS[kind] }))
    expect(learning.limits.maxTokens).toBe(1_000)
  })

  it("has as many records as fit under the cap, and at most the user's number", () => {
    expect(learned({ maxOutputTokens: 100 }).limits.maxItems).toBe(7)
    expect(learned({ maxOutputTokens: 100_000 }).limits.maxItems).toBe(25)
    expect(learningOf({ maxPackRecords: 3 }).limits.maxItems).toBe(3)
  })
})

describe('the longest possible prompt', () => {
  const pack = (text: string) => [entryOf(0, { text })]

  it.each([
    ['ASCII: a token for each byte', '1,'.repeat(500), 1_000],
    ['another script: a token for each byte', 'あ'.repeat(1_000), 3_000],
    ['both', 'a'.repeat(100) + 'あ'.repeat(100), 400],
  ])('%s', (_what, text, tokens) => {
    const learning = learningOf()
    expect(learning.longestPrompt(pack(text)) - learning.longestPrompt(pack(''))).toBe(tokens)
  })

  it('has the fixed part that the API counted, with a margin, after the first usage', () => {
    // 400 bytes of ASCII, and frames. Then 250 tokens, of them 100 of the records.
    expect(learningOf().longestPrompt([])).toBe(400 + 24)
    expect(learned().longestPrompt([])).toBeLessThan(400)
  })
})
