import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Usage } from '../../src/api/answer.ts'
import type { Entry } from '../../src/record/entry.ts'
import { Learning } from '../../src/learning/learning.ts'
import { Ledger } from '../../src/accounts/ledger.ts'
import type { FinishedRequest } from '../../src/answer/finished-request.ts'
import { Purse, Spending, type Price } from '../../src/engine/spending.ts'
import type { Pricing } from '../../src/accounts/stats.ts'
import { entryOf } from '../helpers/entry.ts'

/** One dollar per token, so that money can be counted in tokens. */
const DOLLAR: Pricing = { input: 1_000_000, output: 1_000_000 }
/** Bytes of every prompt, and its highest cost: one token per byte, and 64 tokens for the frame. */
const BYTES = 100
const PROMPT = BYTES + 64

function runOf(changes: Partial<FinishedRequest<unknown>>): FinishedRequest<unknown> {
  return {
    ...{
      end: { kind: 'complete' },
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

interface Known {
  /** Number of output tokens of a record. */
  readonly perRecord?: number
  readonly refusedCap?: number
  readonly room?: number
}

interface Case extends Known {
  readonly maxCost: number
  readonly cap?: number
  readonly records?: number
  readonly spent?: number
  readonly running?: readonly number[]
  readonly pricing?: Pricing
}

function afford(one: Case): Price | undefined {
  const { maxCost, cap, records = 1, spent = 0, running = [], pricing = DOLLAR } = one
  const { perRecord, refusedCap = Infinity, room = 1 } = one
  const learning = {
    ...{ refusedCap, room, longestPrompt: () => BYTES + 64 },
    mayCap: (_pack: unknown, made: number) => made <= refusedCap / 2,
    expectedOutput: (pack: readonly unknown[]) => perRecord && perRecord * pack.length,
  } as unknown as Learning
  const ledger = new Ledger(pricing)
  ledger.finished([], runOf({}), { input: spent, output: 0, cached: 0, reasoning: 0 })
  const purse = new Purse(maxCost, ledger)
  for (const cost of running) purse.start({ cost })
  const spending = new Spending(purse, ledger, learning)
  const pack = Array.from({ length: records }, (_, i) => entryOf(i))
  return spending.afford(pack, cap, running.length)
}

describe('the highest cost of a request', () => {
  it.each<[what: string, one: Case, price: Price | undefined]>([
    ['anything, where there is no limit', { maxCost: Infinity, running: [1e9] }, { cap: undefined, cost: 0 }],
    ['so too with a cap', { maxCost: Infinity, cap: 500, spent: 1e9 }, { cap: 500, cost: 0 }],

    // At first.
    ['the first has a cap of ours', { maxCost: 1e5 }, { cap: 4_096, cost: PROMPT + 4_096 }],
    ['or that of the user', { maxCost: 1e5, cap: 500 }, { cap: 500, cost: PROMPT + 500 }],
    ['also a larger one', { maxCost: 1e5, cap: 9_000 }, { cap: 9_000, cost: PROMPT + 9_000 }],
    ['more, if that was not enough', { maxCost: 1e5, room: 4 }, { cap: 16_384, cost: PROMPT + 16_384 }],
    ['the others wait for it', { maxCost: 1e5, running: [1] }, undefined],
    ['with little money, what is left', { maxCost: PROMPT + 800 }, { cap: 800, cost: PROMPT + 800 }],
    ['also of a cap of the user', { maxCost: PROMPT + 800, cap: 900 }, { cap: 800, cost: PROMPT + 800 }],
    ['if an answer has 32 tokens', { maxCost: PROMPT + 32 }, { cap: 32, cost: PROMPT + 32 }],
    ['not with less', { maxCost: PROMPT + 31 }, undefined],
    ['nor with too little for the prompt', { maxCost: PROMPT - 1 }, undefined],

    // After the size of a result is known.
    ['the learned cap', { maxCost: 1e5, perRecord: 10, cap: 552 }, { cap: 552, cost: PROMPT + 552 }],
    [
      'beside others',
      { maxCost: 10_000, perRecord: 10, cap: 552, running: [5_000, 4_000] },
      { cap: 552, cost: PROMPT + 552 },
    ],
    [
      'to the last cent',
      { maxCost: 1_000, perRecord: 10, cap: 552, spent: 1_000 - PROMPT - 552 },
      { cap: 552, cost: PROMPT + 552 },
    ],
    [
      'beside others not with less room: they may leave some',
      { maxCost: 10_000, perRecord: 10, cap: 552, running: [5_000, 4_500] },
      undefined,
    ],
    [
      'the last of the money buys less room',
      { maxCost: 1_000, perRecord: 10, cap: 552, spent: 500 },
      { cap: 500 - PROMPT, cost: 500 },
    ],
    [
      'if the answer should fit',
      { maxCost: PROMPT + 250, perRecord: 10, records: 25, cap: 552 },
      { cap: 250, cost: PROMPT + 250 },
    ],
    ['not if it should not', { maxCost: PROMPT + 249, perRecord: 10, records: 25, cap: 552 }, undefined],
    ['nor after all was spent', { maxCost: 1_000, perRecord: 10, cap: 552, spent: 1_000 }, undefined],
    ['nor if too much was', { maxCost: 1_000, perRecord: 10, cap: 552, spent: 2_000 }, undefined],

    // If the server accepted only caps that the user set.
    [
      'one that takes no cap: less than that',
      { maxCost: 1e5, refusedCap: 800 },
      { cap: undefined, cost: PROMPT + 800 },
    ],
    [
      'one that takes no cap: twice what is expected',
      { maxCost: 1e5, refusedCap: 800, perRecord: 10, records: 25 },
      { cap: undefined, cost: PROMPT + 500 },
    ],
    [
      'one that takes no cap: no more than was refused',
      { maxCost: 1e5, refusedCap: 400, perRecord: 10, records: 25 },
      { cap: undefined, cost: PROMPT + 400 },
    ],
    ['one that takes no cap: nothing less', { maxCost: PROMPT + 799, refusedCap: 800 }, undefined],
    [
      'a cap that the server is expected to accept is sent',
      { maxCost: 1e5, refusedCap: 800, cap: 400 },
      { cap: 400, cost: PROMPT + 400 },
    ],

    // If only input or only output has a price.
    [
      'answers for nothing',
      { maxCost: PROMPT, pricing: { ...DOLLAR, output: 0 } },
      { cap: 4_096, cost: PROMPT },
    ],
    ['prompts for nothing', { maxCost: 500, pricing: { ...DOLLAR, input: 0 } }, { cap: 500, cost: 500 }],
  ])('%s', (_what, one, price) => {
    expect(afford(one)).toEqual(price)
  })

  it('a cap is in whole tokens, after any loss of room', () => {
    expect(afford({ maxCost: 1e6, room: 1.96 })?.cap).toSatisfy(Number.isInteger)
  })
})

describe('spending never exceeds the limit', () => {
  interface Running extends Price {
    readonly pack: readonly Entry<string>[]
    readonly bytes: number
  }

  it('for any prompts and answers, in any order of their ends', () => {
    const price = fc.constantFrom(0, 0.1, 1, 10, 1_000_000)
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    const step = fc.record({
      does: fc.constantFrom('send', 'send', 'end'),
      ...{ records: fc.integer({ min: 1, max: 25 }), bytes: fc.integer({ min: 1, max: 5_000 }) },
      ...{ needsMaxCap: fc.boolean(), which: fc.nat(), prompt: share, answer: share },
      end: fc.constantFrom('complete' as const, 'length' as const),
    })
    fc.assert(
      fc.property(
        fc.record({ input: price, output: price }),
        fc.integer({ min: 1, max: 1e6 }),
        fc.option(fc.integer({ min: 1, max: 10_000 }), { nil: undefined }),
        fc.constantFrom(1_000, 100_000, Infinity),
        fc.array(step, { maxLength: 60 }),
        (pricing, tokens, maxOutputTokens, largestRequest, steps) => {
          const ledger = new Ledger(pricing)
          const maxCost = (tokens * Math.max(pricing.input, pricing.output, 0.01)) / 1e6
          const learning = new Learning({
            ...{ countTokens: undefined, maxOutputTokens, maxPackTokens: 1e6, maxPackRecords: 25 },
            ...{ system: 'x'.repeat(400), examples: 0, format: { jsonSchema: {} } },
          })
          let bytes = 0
          learning.longestPrompt = () => bytes + 64
          const purse = new Purse(maxCost, ledger)
          const spending = new Spending(purse, ledger, learning)
          const running = new Set<Running>()
          for (const one of steps) {
            const { does, records, needsMaxCap, which } = one
            if (does === 'send') {
              const pack = Array.from({ length: records }, (_, i) => entryOf(i, { needsMaxCap }))
              bytes = one.bytes
              const affordable = spending.afford(pack, learning.capFor(pack, largestRequest), running.size)
              if (affordable) {
                const request = { ...affordable, pack, bytes }
                running.add(request)
                purse.start(request)
              }
            }
            const ended = [...running][which % running.size]
            if (does !== 'end' || !ended) continue
            running.delete(ended)
            // The largest cost of a prompt with this number of bytes, and of an answer under this
            // cap.
            const usage: Usage = {
              ...{ input: Math.floor(one.prompt * (ended.bytes + 64)), cached: 0, reasoning: 0 },
              output: Math.floor(one.answer * (ended.cap ?? Infinity)),
            }
            const end =
              one.end === 'length' ? { kind: one.end, isFinal: false, isChosen: false } : { kind: one.end }
            const run = runOf({ end, usage, elements: Math.min(ended.pack.length, usage.output) })
            ledger.finished(ended.pack, run, learning.learn(ended.pack, ended.cap, run))
            purse.end(ended)
            expect(ledger.cost).toBeLessThanOrEqual(maxCost * (1 + 1e-9))
          }
          const reserved = Array.from(running).reduce((sum, { cost }) => sum + cost, ledger.cost)
          expect(reserved).toBeLessThanOrEqual(maxCost * (1 + 1e-9))
        },
      ),
      { numRuns: 500 },
    )
  })
})
