import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { formatPlan } from '../../../src/cli/plan/format.ts'
import type { PlanRecord } from '../../../src/cli/plan/input.ts'
import type { PlanOptions } from '../../../src/cli/plan/options.ts'
import { makePlan } from '../../../src/cli/plan/make-plan.ts'
import {
  dollarRange,
  dollars,
  duration,
  durationRange,
  large,
  span,
} from '../../../src/cli/terminal/words.ts'

async function* from(texts: Iterable<string | undefined>): AsyncGenerator<PlanRecord | undefined> {
  await Promise.resolve()
  for (const text of texts) yield text === undefined ? undefined : { text }
}

const texts = (n: number) => Array.from({ length: n }, () => 'Where is my parcel?')
const unpriced: PlanOptions = {
  model: 'gpt-4o-mini',
  instructions: 'Label each message with the team that should answer it.',
  schema: z.object({ team: z.enum(['shipping', 'returns and refunds']), urgent: z.boolean() }),
}
const job = { ...unpriced, pricing: { input: 0.15, cachedInput: 0.075, output: 0.6 } }
const printed = async (input: Iterable<string | undefined>, options: Partial<PlanOptions> = {}) =>
  formatPlan(await makePlan(from(input), { ...job, ...options }))

describe('the printed plan', () => {
  it('is a table, what binds, the choice and why, and what is assumed', async () => {
    const limits = { maxInFlight: 32, requestsPerMinute: 500, tokensPerMinute: 200_000 }
    expect(await printed(texts(10_000), limits)).toMatchInlineSnapshot(`
      "10,000 records for gpt-4o-mini. Nothing was sent.

        pack  requests  input  cached  output          cost         time  bound by
           1    10,000   680k       0    100k  $0.156–0.168       20 min  requests/min
           5     2,000   548k       0    140k  $0.160–0.172  3.9–4.0 min  requests/min
          10     1,000   339k       0    135k  $0.126–0.138  1.9–2.0 min  requests/min
          25       400   214k       0    132k  $0.105–0.117      73–97 s  tokens/min
      →   41       244   181k       0    131k  $0.100–0.112      73–98 s  tokens/min
          50       200   172k       0    131k  $0.098–0.110      73–99 s  tokens/min

      → chosen. Pack 1: plain requests of one record each, without the packing protocol.

      Binding: tokens per minute (73–98 s); by themselves latency × max-in-flight 68–79 s, requests per
      minute 26–39 s.

      Chosen 41: the smallest pack within 5% of the least cost ($0.101) and time (81 s); bound by tokens
      per minute. One record a request: $0.162 and 20 min. Run it with --max-pack-records 41.

      - Input is counted by o200k_base: 209 fixed tokens in each packed request, 63 in a plain one. Of
        these 75 and 41 are an estimate of the schema from its JSON: how providers count it is not
        published.
      - Output: 12 to 14 tokens a record in packs, 9 to 11 alone; expected are 13 and 10: what the schema
        allows, each value being as likely as any other.
      - Prompt cache: none, as the shared prompt has fewer than 1,024 tokens.
      - Time: 32 requests at once, 300 ms to the first token (ASSUMED), 80 tokens a second after that
        (ASSUMED), 10,000 tokens of prompt read a second, 1% slower with each further request in flight.
        That is the simulator's latency: state the server's, or measure it in a run.
      - Limits: 500 requests and 200,000 tokens a minute, of which a run starts 10 s worth at once. The
        longer time is for a provider that does not let it. A request is charged its characters / 4, or
        its output cap where that is more: about twice a pack's results, short ones in the shorter time,
        long ones in the longer; a plain one sends no cap.
      - Not counted: retries, and what a model thinks unless it was measured.
      "
    `)
  })

  it('has no column of costs without prices, and one row more for a size of its own', async () => {
    const latency = { timeToFirstToken: { low: 200, high: 400 }, outputTokensPerSecond: 100, slowdown: 0.07 }
    const plan = await makePlan(from(texts(500)), { ...unpriced, latency, maxPackRecords: 12 })
    expect(formatPlan(plan)).toMatchInlineSnapshot(`
      "500 records for gpt-4o-mini. Nothing was sent.

        pack  requests   input  cached  output     time  bound by
           1       500  34,000       0   5,000  39–67 s  latency
           5       100  27,400       0   7,000  25–33 s  latency
      →    8        63  19,667       0   6,815  23–29 s  latency
          10        50  16,950       0   6,750  22–28 s  latency
          25        20  10,680       0   6,600  19–23 s  latency
          50        10   8,590       0   6,550  23–27 s  latency

      → chosen. Pack 1: plain requests of one record each, without the packing protocol.

      Binding: latency × max-in-flight (23–29 s).

      Chosen 8: the smallest pack within 5% of the least time (25 s) of all up to 12; bound by latency ×
      max-in-flight. One record a request: 53 s. Run it with --max-pack-records 8.

      - Input is counted by o200k_base: 209 fixed tokens in each packed request, 63 in a plain one. Of
        these 75 and 41 are an estimate of the schema from its JSON: how providers count it is not
        published.
      - Output: 12 to 14 tokens a record in packs, 9 to 11 alone; expected are 13 and 10: what the schema
        allows, each value being as likely as any other.
      - Prompt cache: none, as the shared prompt has fewer than 1,024 tokens.
      - Time: 4 requests at once, 200 to 400 ms to the first token (stated), 100 tokens a second after
        that (stated), 7% slower with each further request in flight.
      - Not counted: retries, and what a model thinks unless it was measured.
      "
    `)
  })

  it('tells of records that are out of the ordinary', async () => {
    const input = ['a', undefined, 'word '.repeat(300), 'word '.repeat(8_000)]
    const text = await printed(input, { maxPackTokens: 200, contextTokens: 4_000, maxOutputTokens: 30 })
    expect(text.slice(text.indexOf('- '), text.indexOf('- Input'))).toMatchInlineSnapshot(`
      "- Rows that cannot be asked (broken, or without text): 1, left out.
      - Records of more than 200 tokens (--max-pack-tokens): 2, each alone.
      - Records too long for the model's context: 1, rejected in a run but counted here.
      - Records so long that they were counted by samples: 1.
      "
    `)
    expect(text.replaceAll(/\n {2}/g, ' ')).toContain(
      '- ~: the results of more than about 1 record take over 70% of 30 output tokens (--max-output-tokens). Once a run ' +
        'has learned that, no pack has more; the first ones may, and be cut and asked again for what is missing.',
    )
  })

  it('says what does not fit into the context, and what the limit of tokens never lets through', async () => {
    const long = ['word '.repeat(900), ...new Array<string>(60).fill('word '.repeat(90))]
    const head = (text: string) => text.slice(0, text.indexOf('- Input'))
    expect(head(await printed(long, { contextTokens: 2_000, tokensPerMinute: 4_000 })))
      .toMatchInlineSnapshot(`
        "61 records for gpt-4o-mini. Nothing was sent.

          pack  requests   input  cached  output             cost         time  bound by
             1        61  10,204       0     610          $0.0019  2.0–2.2 min  tokens/min
             5        13   9,566       0     858   $0.0019–0.0020      2.3 min  tokens/min
        →    8         8   8,521       0     833   $0.0017–0.0018      2.1 min  tokens/min
            10         7   8,312       0     828   $0.0017–0.0018      2.0 min  too long
            25        ~4  ~7,685       0    ~813  ~$0.0016–0.0017   ~102–104 s  too long
            50        ~3  ~7,476       0    ~808         ~$0.0016     ~91–93 s  too long

        → chosen. Pack 1: plain requests of one record each, without the packing protocol.

        Binding: tokens per minute (2.1 min); by themselves latency × max-in-flight 3.3–3.7 s.

        Chosen 8: the smallest pack within 5% of the least cost ($0.0018) and time (2.0 min) of all up to 8;
        bound by tokens per minute. One record a request: $0.0019 and 2.0 min. Run it with
        --max-pack-records 8.

        - Too long: some packs of 9 or more, with their answers, do not fit into 2,000 tokens
          (--context-tokens). A run does not know that before it is refused, and then asks again in smaller
          ones. Such sizes are not chosen.
        "
      `)
    expect(head(await printed(long, { tokensPerMinute: 1_000 }))).toMatchInlineSnapshot(`
      "61 records for gpt-4o-mini. Nothing was sent.

        pack  requests   input  cached  output             cost      time  bound by
      →    1        61  10,204       0     610          $0.0019   8.6 min  tokens/min
           5        16  10,193       0     873   $0.0020–0.0021   9.8 min  tokens/min
          10        16  10,193       0     873   $0.0020–0.0021   9.8 min  tokens/min
          25       ~13  ~9,566       0    ~858  ~$0.0019–0.0020  ~9.3 min  tokens/min
          50       ~15  ~9,984       0    ~868  ~$0.0020–0.0021  ~9.7 min  tokens/min

      → chosen. Pack 1: plain requests of one record each, without the packing protocol.

      Binding: tokens per minute (8.6 min); by themselves latency × max-in-flight 6.9–7.3 s.

      Chosen 1. Packing does not pay here: one record a request takes $0.0019 and 8.6 min, packs of 7 take
      $0.0019 and 9.1 min. There are 63 tokens in each prompt to share, and packing adds 146 to it, and to
      each record 8 of input and 3 of output. Plain requests are not what this program sends: with
      --max-pack-records 1 the packing protocol goes with each record.

      - Over the limit: the prompt is charged more than 1,000 tokens (--tpm) for 1 of 61 records in a pack
        of their own, and for 1 in a plain request. A provider with this limit never lets them through:
        there a run rejects them, or stops if it begins with one. Its own limiter lets one through after a
        wait, as it does not know that. They are counted here as if they were let through.
      "
    `)
    expect(head(await printed(long, { tokensPerMinute: 50 }))).toMatchInlineSnapshot(`
      "61 records for gpt-4o-mini. Nothing was sent.

        pack  requests    input  cached  output      cost   time  bound by
           1        61   10,204       0     610   $0.0019  never  over the limit
           5        61   19,598       0   1,098   $0.0036  never  over the limit
          10        61   19,598       0   1,098   $0.0036  never  over the limit
          25       ~61  ~19,598       0  ~1,098  ~$0.0036  never  over the limit
          50       ~61  ~19,598       0  ~1,098  ~$0.0036  never  over the limit

      Pack 1: plain requests of one record each, without the packing protocol.

      Nothing can be sent: the limit of tokens a minute (--tpm) is less than any request is charged, so
      that a provider with this limit never lets one through. Shorten the instructions or the records, or
      ask for a higher limit.

      - Over the limit: the prompt is charged more than 50 tokens (--tpm) for 61 of 61 records in a pack
        of their own, and for 61 in a plain request. A provider with this limit never lets them through:
        there a run rejects them, or stops if it begins with one. Its own limiter lets one through after a
        wait, as it does not know that. They are counted here as if they were let through.
      "
    `)
  })

  it('says that nothing can be sent where no request fits into the context', async () => {
    const text = await printed(texts(26), { contextTokens: 20 })
    expect(text).toMatch(/^ +1 +26 .* too long$/m)
    expect(text.replaceAll('\n', ' ')).toContain(
      ' Nothing can be sent: no request fits into 20 tokens (--context-tokens) with its answer. Shorten the ' +
        'instructions or the records, or take a model of a larger context. ',
    )
    expect(text).not.toContain('Chosen')
    expect(text).not.toContain('some packs of')
  })

  it('says where not even one result fits under the output cap', async () => {
    const note = async (maxOutputTokens: number) => {
      const text = (await printed(texts(9), { maxOutputTokens })).replaceAll(/\n {2}/g, ' ')
      return /^- Too small: .*$/m.exec(text)?.[0]
    }
    // 5 around a result of 12 to 14, or 9 to 11 alone.
    const some = 'some results, or all, do not fit'
    const end = 'and a record whose result does not fit is rejected.'
    expect(await note(19)).toBeUndefined()
    expect(await note(18)).toBe(
      `- Too small: under 18 output tokens (--max-output-tokens) ${some} in packs, ${end}`,
    )
    expect(await note(16)).toBe(
      `- Too small: under 16 output tokens (--max-output-tokens) no result fits in packs, ${end}`,
    )
    expect(await note(10)).toBe(
      `- Too small: under 10 output tokens (--max-output-tokens) no result fits in packs, and ${some} alone, ${end}`,
    )
    expect(await note(1)).toBe(
      `- Too small: under 1 output tokens (--max-output-tokens) no result fits in packs, and no result fits alone, ${end}`,
    )
  })

  it('says what of partitions and kept results is not sure', async () => {
    const records = async function* () {
      await Promise.resolve()
      for (let i = 0; i < 500; i++) yield { text: `text ${i % 400}`, partition: String(i % 100) }
    }
    const text = formatPlan(await makePlan(records(), { ...job, keepsResults: true, maxPackRecords: 10 }))
    expect(text).toMatchInlineSnapshot(`
      "500 records for gpt-4o-mini. Nothing was sent.

        pack  requests    input  cached  output             cost      time  bound by
      →    1       400   26,400       0   4,000   $0.0061–0.0066   42–45 s  latency
           5      ~400  ~88,400       0  ~7,200  ~$0.0173–0.0178  ~54–57 s  latency
          10      ~200  ~46,600       0  ~6,200  ~$0.0105–0.0110  ~35–38 s  latency
          25      ~101  ~25,909       0  ~5,705  ~$0.0071–0.0075  ~26–29 s  latency
          50      ~100  ~25,700       0  ~5,700  ~$0.0070–0.0075  ~25–28 s  latency

      → chosen. Pack 1: plain requests of one record each, without the packing protocol.

      Binding: latency × max-in-flight (42–45 s).

      Chosen 1: no size is within 5% of both the least cost ($0.0064) and time (36 s) of all up to 10;
      this one comes nearest, no dearer and 21% slower. That is not to pack. The cheapest is 1, the
      fastest 9. Plain requests are not what this program sends: with --max-pack-records 1 the packing
      protocol goes with each record.

      - Records whose text came before: 100, not asked again (--cache).
      - Input is counted by o200k_base: 209 fixed tokens in each packed request, 63 in a plain one. Of
        these 75 and 41 are an estimate of the schema from its JSON: how providers count it is not
        published.
      - Output: 12 to 14 tokens a record in packs, 9 to 11 alone; expected are 13 and 10: what the schema
        allows, each value being as likely as any other.
      - Prompt cache: none, as the shared prompt has fewer than 1,024 tokens.
      - Time: 4 requests at once, 300 ms to the first token (ASSUMED), 80 tokens a second after that
        (ASSUMED), 10,000 tokens of prompt read a second, 1% slower with each further request in flight.
        That is the simulator's latency: state the server's, or measure it in a run.
      - ~: only records of the same --partition share a pack. Packs that are not full leave when a request
        may be sent and they have waited for --linger, or when too many records wait. How many they are
        depends on how fast the answers come.
      - ~: each text is asked once (--cache). New ones that come late, between many that are known, leave
        in packs that are not full: a run may take more requests.
      - What the --cache file has already is not asked again, and takes nothing: it was not looked at
        here.
      - Not counted: retries, and what a model thinks unless it was measured.
      "
    `)
  })

  it('says where packs are not sure, and why', async () => {
    const options = { maxPackTokens: 200, maxPackRecords: 10 }
    const text = await printed(texts(100), options)
    expect(text).toMatch(/^.{2} +10 +10 +[\d,]+ +0 /m)
    expect(text).toMatch(/^.{2} +50 +~7 +~[\d,]+ +0 /m)
    expect(text.replaceAll(/\n {2}/g, ' ')).toContain(
      '- ~: packs come to 200 tokens of records (--max-pack-tokens). A run packs by an estimate of tokens, which it ' +
        'corrects as it goes, unless it is given --count-tokens o200k_base, which makes this exact.',
    )
    expect(await printed(texts(100), { ...options, encoding: 'o200k_base' })).not.toContain('~')
    expect(await printed(texts(100), { maxPackRecords: 10 })).not.toContain('~')
  })

  it('says what it takes the prompt cache for, and which costs are with it', async () => {
    const instructions = 'Label it by the rules. '.repeat(300)
    const note = async (options: Partial<PlanOptions>, n = 1_000) => {
      const text = (await printed(texts(n), { instructions, ...options })).replaceAll(/\n {2}/g, ' ')
      return /^- Prompt cache: .*$/m.exec(text)?.[0]
    }
    const assumed =
      '- Prompt cache: 1,920 tokens of each full pack, 1,792 of each plain request (from 1,024, in steps of 128). ' +
      'ASSUMED: it hits in all requests but the first 4; nobody promises that, and it may also hit earlier.'
    expect(await note({})).toBe(
      `${assumed} The lower cost is with hits in all but the first request, the higher without any.`,
    )
    expect(await note({ pricing: { input: 1, output: 2 } })).toBe(
      `${assumed} Cached tokens are priced as input, as --price-cached is not given.`,
    )
    expect(await note({ pricing: { input: 1, cachedInput: 1, output: 2 } })).toBe(assumed)
    // One request has nothing to hit.
    expect(await note({}, 1)).toBe(assumed)
    const plan = formatPlan(await makePlan(from(texts(9)), { ...unpriced, instructions }))
    expect(plan.replaceAll(/\n {2}/g, ' ')).toContain(`${assumed}\n`)
  })

  it('says how to run it', async () => {
    const chosen = async (maxPackRecords: number) => {
      const { rows, ...plan } = await makePlan(from(texts(100)), { ...job, requestsPerMinute: 10 })
      const row = { ...rows[0]!, size: maxPackRecords }
      const text = formatPlan({
        ...plan,
        rows: [row],
        chosen: { ...plan.chosen!, size: maxPackRecords, why: '?.' },
      })
      return /^Chosen \d+\. \?\. (.*?)\n\n/ms.exec(text)?.[1]?.replaceAll('\n', ' ')
    }
    expect(await chosen(42)).toBe('Run it with --max-pack-records 42.')
    expect(await chosen(25)).toBe('That is what a run does by default.')
    expect(await chosen(1)).toBe(
      'Plain requests are not what this program sends: with --max-pack-records 1 the packing protocol goes with ' +
        'each record.',
    )
  })

  it('says how output and pace were measured', async () => {
    const measured = {
      ...{ requests: 1_234, records: 30_000, outputTokensPerRecord: 14.26 },
      timeToFirstToken: { p10: 210, p50: 320, p90: 640 },
      outputTokensPerSecond: { p10: 61.26, p50: 80, p90: 95 },
    }
    const text = (await printed(texts(100), { measured })).replaceAll(/\n {2}/g, ' ')
    expect(text).toContain('tokens a record in packs, 11.')
    const on = 'measured on 1,234 requests of about 24 records'
    expect(text).toContain(`as ${on}. In packs of another size it may differ.`)
    expect(text).toContain(`210 to 640 ms to the first token (${on})`)
    expect(text).toContain(
      `61.3 to 95 tokens a second after that (${on}). In packs of another size it may differ.`,
    )
    expect(text).not.toContain('ASSUMED')
  })

  it('says when there is nothing to plan', async () => {
    expect(await printed([])).toBe('The input has no records: there is nothing to plan.\n')
    expect(await printed([undefined, undefined])).toBe(
      'The input has no records, but for 2 that cannot be asked: there is nothing to plan.\n',
    )
  })

  it('is at most 100 columns wide, also with large numbers', async () => {
    const plan = await makePlan(from(texts(200)), { ...job, requestsPerMinute: 1, tokensPerMinute: 100 })
    const huge = {
      ...plan,
      rows: plan.rows.map((row) => ({
        ...row,
        ...{ requests: 2_000_000_000, inputTokens: 123_456_789_000, cachedTokens: 98_765_432_100 },
        ...{ outputTokens: { low: 1, expected: 98_765_432_100, high: 2 } },
        ...{ cost: { low: 1_000_000.1, expected: 2, high: 1_234_567.89 } },
        ...{ time: { low: 3e9, expected: 1, high: 8.64e10 } },
        loose: ['cache' as const],
      })),
    }
    for (const text of [formatPlan(plan), formatPlan(huge)]) {
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
    }
  })
})

describe('the words for numbers', () => {
  it.each([
    [0, '0'],
    [99_999, '99,999'],
    [100_000, '100k'],
    [999_499, '999k'],
    [999_500, '1.00M'],
    [12_345_678, '12.3M'],
    [999_600_000, '1.00G'],
    [123_456_789_000, '123G'],
  ])('%d tokens: %s', (value, text) => {
    expect(large(value)).toBe(text)
  })

  it.each([
    [0, '$0.00'],
    [0.000_012_34, '$0.000012'],
    [0.012_34, '$0.0123'],
    [0.612, '$0.612'],
    [1.005, '$1.01'],
    [12.3, '$12.30'],
    [1_234.5, '$1,235'],
  ])('%d: %s', (value, text) => {
    expect(dollars(value)).toBe(text)
  })

  it.each([
    [0.4, '0 ms'],
    [368.2, '368 ms'],
    [1_500, '1.5 s'],
    [90_000, '90 s'],
    [119_999, '120 s'],
    [120_000, '2.0 min'],
    [43 * 60_000, '43 min'],
    [7_200_000, '2.0 h'],
    [30 * 3_600_000, '30 h'],
    [72 * 3_600_000, '3.0 days'],
  ])('%d ms: %s', (value, text) => {
    expect(duration(value)).toBe(text)
  })

  it('a range has two units where one would hide the low end', () => {
    expect(durationRange({ low: 30_000, expected: 0, high: 13 * 3_600_000 })).toBe('30 s–13 h')
    expect(durationRange({ low: 1_000, expected: 0, high: 100_000 })).toBe('1.0–100 s')
    expect(durationRange({ low: 30_000, expected: 0, high: 300_000 })).toBe('0.5–5.0 min')
  })

  it('a range has one unit, and one number where both ends look alike', () => {
    expect(durationRange({ low: 30_000, expected: 0, high: 300_000 })).toBe('0.5–5.0 min')
    expect(durationRange({ low: 0, expected: 0, high: 1_400 })).toBe('0–1.4 s')
    expect(durationRange({ low: 90_100, expected: 0, high: 90_200 })).toBe('90 s')
    expect(dollarRange({ low: 0.61, expected: 0, high: 1.21 })).toBe('$0.61–1.21')
    expect(dollarRange({ low: 2, expected: 0, high: 2 })).toBe('$2.00')
    expect(span({ low: 8, expected: 9, high: 10.04 })).toBe('8 to 10')
  })
})
