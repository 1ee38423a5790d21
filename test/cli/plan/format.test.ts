import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { formatPlan } from '../../../src/cli/plan/format.ts'
import type { PlanRecord } from '../../../src/cli/estimate/input.ts'
import { makePlan } from '../../../src/cli/plan/make-plan.ts'
import { notesOf, type Note } from '../../../src/cli/plan/notes.ts'
import type { PlanOptions } from '../../../src/cli/estimate/options.ts'
import type { Plan } from '../../../src/cli/plan/plan-report.ts'
import { readPrice } from '../../../src/cli/task/price.ts'
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
const planned = (input: Iterable<string | undefined>, options: Partial<PlanOptions> = {}) =>
  makePlan(from(input), { ...job, ...options })
const printed = async (input: Iterable<string | undefined>, options: Partial<PlanOptions> = {}) =>
  formatPlan(await planned(input, options))

/**
 * The figures, flags and names in a text, in their order: a test of them does not depend on the
 * other words.
 */
const figures = (text: string): string[] =>
  text.match(/--[a-z-]+|ASSUMED|o200k_base|\$?\d[\d,.–]*(?<![,.])(?:%|k\b| ?(?:ms|s|min|h)\b)?/g) ?? []
/** The figures of the notes about one subject. */
const noted = (plan: Plan, about: Note['about']): string[][] =>
  notesOf(plan)
    .filter((note) => note.about === about)
    .map(({ text }) => figures(text))
/** The lines of the table, and the figures of all other paragraphs. */
const parts = (text: string) => {
  const paragraphs = text.trim().split('\n\n')
  const [table = ''] = paragraphs.filter((one) => one.includes(' requests '))
  const rest = paragraphs.filter((one) => one !== table && !one.startsWith('- '))
  return { table: table.split('\n'), figures: rest.map((one) => figures(one).join(' ')) }
}

describe('the printed plan', () => {
  it('has a table, the limit that binds, the choice with its reason, and the assumptions', async () => {
    const limits = { maxInFlight: 32, requestsPerMinute: 500, tokensPerMinute: 200_000 }
    const plan = await planned(texts(10_000), limits)
    const text = formatPlan(plan)
    expect(parts(text)).toMatchInlineSnapshot(`
      {
        "figures": [
          "10,000 4",
          "1",
          "73–98 s 67–77 s 26–40 s",
          "40 5% $0.101 81 s $0.162 20 min --max-pack-records 40",
          "--max-in-flight 25",
          "",
          "40 $0.156–0.168 20 min $0.100–0.112 73–98 s $0.0680 $0.0680 47–78 s $0.0286 0.4–2.6 min",
        ],
        "table": [
          "  pack  requests  input  cached  output          cost         time  bound by",
          "     1    10,000   680k       0    100k  $0.156–0.168       20 min  requests/min",
          "     5     2,000   534k       0    140k  $0.158–0.170  3.9–4.0 min  requests/min",
          "    10     1,000   332k       0    135k  $0.125–0.137  1.9–2.0 min  requests/min",
          "    25       400   211k       0    132k  $0.105–0.117      73–97 s  tokens/min",
          "→   40       250   181k       0    131k  $0.100–0.112      73–98 s  tokens/min",
          "    50       200   170k       0    131k  $0.098–0.110      73–99 s  tokens/min",
        ],
      }
    `)
    expect(notesOf(plan).map(({ about, text: note }) => [about, ...figures(note)].join(' ')))
      .toMatchInlineSnapshot(`
        [
          "ways 2026 09 29 2026 11 12",
          "ways",
          "input o200k_base 202 63 75 41",
          "output 12 14 9 11 13 10",
          "cache 1,024",
          "time 32 300 ms ASSUMED 80 ASSUMED 10,000 1% --measured",
          "limits 500 200,000 10 s",
          "rest",
        ]
      `)
    // Each note is printed.
    const printedNotes = text.replaceAll(/\n {2}(?! )/g, ' ')
    for (const note of notesOf(plan)) expect(printedNotes).toContain(`- ${note.text}\n`)
  })

  it('has no column of costs without prices, and has a row for a stated size', async () => {
    const latency = { timeToFirstToken: { low: 200, high: 400 }, outputTokensPerSecond: 100, slowdown: 0.07 }
    const plan = await makePlan(from(texts(500)), { ...unpriced, latency, maxPackRecords: 12 })
    expect(parts(formatPlan(plan))).toMatchInlineSnapshot(`
      {
        "figures": [
          "500 4",
          "1",
          "23–29 s",
          "8 5% 25 s 12 53 s --max-pack-records 8",
          "--max-in-flight 63 6.1 s 26 s 4 --rpm --tpm",
          "",
          "8 39–67 s 23–29 s $0.0034 $0.0034 19–31 s $0.0014 8.8–63 s",
        ],
        "table": [
          "  pack  requests   input  cached  output     time  bound by",
          "     1       500  34,000       0   5,000  39–67 s  latency",
          "     5       100  26,700       0   7,000  25–33 s  latency",
          "→    8        63  19,226       0   6,815  23–29 s  latency",
          "    10        50  16,600       0   6,750  22–28 s  latency",
          "    25        20  10,540       0   6,600  19–23 s  latency",
          "    50        10   8,520       0   6,550  23–27 s  latency",
        ],
      }
    `)
    expect(noted(plan, 'time')).toEqual([['4', '200', '400 ms', '100', '7%']])
  })

  it('mentions unusual records', async () => {
    const input = ['a', undefined, 'word '.repeat(300), 'word '.repeat(8_000)]
    const plan = await planned(input, { maxPackTokens: 200, contextTokens: 4_000, maxOutputTokens: 30 })
    expect(noted(plan, 'records')).toEqual([['1'], ['200', '--max-pack-tokens', '2'], ['1'], ['1']])
    expect(noted(plan, 'loose')).toContainEqual(['1', '70%', '30', '--max-output-tokens'])
  })

  it('names requests that do not fit into the context, and requests above the limit of tokens', async () => {
    const long = ['word '.repeat(900), ...new Array<string>(60).fill('word '.repeat(90))]
    const context = await planned(long, { contextTokens: 2_000, tokensPerMinute: 4_000 })
    expect(parts(formatPlan(context))).toMatchInlineSnapshot(`
      {
        "figures": [
          "61 4",
          "1",
          "2.1 min 3.3–3.7 s",
          "8 5% $0.0018 2.0 min 8 $0.0019 2.0 min --max-pack-records 8",
          "--max-in-flight 1",
          "",
          "8 $0.0019 2.0–2.2 min $0.0017–0.0018 2.1 min $0.0010 $0.0010 2.4–4.0 s $0.00043 1.1–8.0 s",
        ],
        "table": [
          "  pack  requests   input  output             cost         time  bound by",
          "     1        61  10,204     610          $0.0019  2.0–2.2 min  tokens/min",
          "     5        13   9,475     858   $0.0019–0.0020      2.3 min  tokens/min",
          "→    8         8   8,465     833   $0.0017–0.0018      2.1 min  tokens/min",
          "    10         7   8,263     828   $0.0017–0.0018      2.0 min  too long",
          "    25        ~4  ~7,657    ~813  ~$0.0016–0.0017   ~102–104 s  too long",
          "    50        ~3  ~7,455    ~808         ~$0.0016     ~91–93 s  too long",
          "(no room: cached)",
        ],
      }
    `)
    expect(noted(context, 'impossible')).toEqual([['9', '2,000', '--context-tokens']])
    const limit = await planned(long, { tokensPerMinute: 1_000 })
    expect(parts(formatPlan(limit))).toMatchInlineSnapshot(`
      {
        "figures": [
          "61 4",
          "1",
          "8.6 min 6.9–7.3 s",
          "1 $0.0019 8.6 min 7 $0.0019 9.1 min 63 139 8 3 --max-pack-records 1",
          "",
          "7 $0.0019 8.6 min $0.0019 9.1 min $0.0010 $0.0010 2.4–4.0 s $0.00043 1.1–8.0 s",
        ],
        "table": [
          "  pack  requests   input  output             cost          time  bound by",
          "→    1        61  10,204     610          $0.0019       8.6 min  tokens/min",
          "     5        16  10,081     873   $0.0020–0.0021       9.8 min  tokens/min",
          "    10        16  10,081     873   $0.0020–0.0021       9.8 min  tokens/min",
          "    25       ~13  ~9,475    ~858  ~$0.0019–0.0020      ~9.3 min  tokens/min",
          "    50       ~15  ~9,879    ~868         ~$0.0020  ~9.6–9.7 min  tokens/min",
          "(no room: cached)",
        ],
      }
    `)
    expect(noted(limit, 'impossible')).toEqual([['1,000', '--tpm', '1', '61', '1']])
    const none = await planned(long, { tokensPerMinute: 50 })
    expect(parts(formatPlan(none))).toMatchInlineSnapshot(`
      {
        "figures": [
          "61 4",
          "1",
          "--tpm",
        ],
        "table": [
          "  pack  requests    input  output             cost   time  bound by",
          "     1        61   10,204     610          $0.0019  never  over the limit",
          "     5        61   19,171   1,098   $0.0035–0.0036  never  over the limit",
          "    10        61   19,171   1,098   $0.0035–0.0036  never  over the limit",
          "    25       ~61  ~19,171  ~1,098  ~$0.0035–0.0036  never  over the limit",
          "    50       ~61  ~19,171  ~1,098  ~$0.0035–0.0036  never  over the limit",
          "(no room: cached)",
        ],
      }
    `)
    expect(noted(none, 'impossible')).toEqual([['50', '--tpm', '61', '61', '61']])
  })

  it('says that no request can be sent where no request fits into the context', async () => {
    const plan = await planned(texts(26), { contextTokens: 20 })
    const { table, figures: said } = parts(formatPlan(plan))
    expect(table[1]).toMatch(/^ +1 +26 .* too long$/)
    expect(said.at(-1)).toBe('20 --context-tokens')
    expect(noted(plan, 'impossible')).toEqual([])
  })

  it('says so where not even one result fits under the output cap', async () => {
    const note = async (maxOutputTokens: number) =>
      notesOf(await planned(texts(9), { maxOutputTokens })).find(({ about }) => about === 'impossible')?.text
    // A pack has 5 tokens around a result of 12 to 14 tokens. A plain answer has 9 to 11 tokens.
    expect(await note(19)).toBeUndefined()
    expect(await note(18)).toMatch(/ 18 .*--max-output-tokens.* some or all results [^,]* in packs\./)
    expect(await note(16)).toMatch(/ 16 .*--max-output-tokens.* no result [^,]* in packs\./)
    expect(await note(10)).toMatch(/ 10 .* no result [^,]* in packs, and some or all results [^,]* alone\./)
    expect(await note(1)).toMatch(/ 1 .* no result [^,]* in packs, and no result [^,]* alone\./)
  })

  it('names the uncertain figures of partitions and kept results', async () => {
    const records = async function* () {
      await Promise.resolve()
      for (let i = 0; i < 500; i++) yield { text: `text ${i % 400}`, partition: String(i % 100) }
    }
    const plan = await makePlan(records(), { ...job, keepsResults: true, maxPackRecords: 10 })
    expect(parts(formatPlan(plan))).toMatchInlineSnapshot(`
      {
        "figures": [
          "500 4",
          "1",
          "42–45 s",
          "1 5% $0.0064 36 s 10 21% 1 9 --max-pack-records 1",
          "",
          "9 $0.0061–0.0066 42–45 s $0.0103–0.0107 35–38 s $0.0026 $0.0026 15–25 s $0.0011 7.0–50 s",
        ],
        "table": [
          "  pack  requests    input  cached  output             cost      time  bound by",
          "→    1       400   26,400       0   4,000   $0.0061–0.0066   42–45 s  latency",
          "     5      ~400  ~85,600       0  ~7,200  ~$0.0169–0.0174  ~54–57 s  latency",
          "    10      ~200  ~45,200       0  ~6,200  ~$0.0103–0.0107  ~35–38 s  latency",
          "    25      ~101  ~25,202       0  ~5,705  ~$0.0070–0.0074  ~26–29 s  latency",
          "    50      ~100  ~25,000       0  ~5,700  ~$0.0069–0.0074  ~25–28 s  latency",
        ],
      }
    `)
    expect(noted(plan, 'records')).toEqual([['100', '--cache']])
    expect(noted(plan, 'loose')).toEqual([['--partition', '--linger'], ['--cache'], ['--cache']])
  })

  it('says which packs are uncertain, and why', async () => {
    const options = { maxPackTokens: 200, maxPackRecords: 10 }
    const plan = await planned(texts(100), options)
    expect(formatPlan(plan)).toMatch(/^.{2} +10 +10 +[\d,]+ +0 /m)
    expect(formatPlan(plan)).toMatch(/^.{2} +50 +~7 +~[\d,]+ +0 /m)
    expect(noted(plan, 'loose')).toEqual([['200', '--max-pack-tokens', '--count-tokens', 'o200k_base']])
    expect(await printed(texts(100), { ...options, encoding: 'o200k_base' })).not.toContain('~')
    expect(await printed(texts(100), { maxPackRecords: 10 })).not.toContain('~')
  })

  it('states its assumption about the prompt cache, and which costs include it', async () => {
    const instructions = 'Label it by the rules. '.repeat(300)
    const note = async (options: Partial<PlanOptions>, n = 1_000) => {
      const notes = notesOf(await makePlan(from(texts(n)), { ...job, instructions, ...options }))
      return notes.find(({ about }) => about === 'cache')?.text ?? ''
    }
    const assumed = await note({ pricing: { input: 1, cachedInput: 1, output: 2 } })
    expect(figures(assumed)).toEqual(['1,920', '1,792', '1,024', '128', 'ASSUMED', '4'])
    const ranged = await note({})
    expect(ranged.startsWith(`${assumed} `)).toBe(true)
    expect(ranged.slice(assumed.length)).toMatch(/lower cost .*higher cost /)
    const uncached = await note({ pricing: { input: 1, output: 2 } })
    expect(figures(uncached.slice(assumed.length))).toEqual(['--price-cached'])
    // A single request has no cached prompt.
    expect(await note({}, 1)).toBe(assumed)
    const plan = await makePlan(from(texts(9)), { ...unpriced, instructions })
    expect(notesOf(plan)).toContainEqual({ about: 'cache', text: assumed })
  })

  it('says how to run the plan', async () => {
    const { rows, ...plan } = await planned(texts(100), { requestsPerMinute: 10 })
    const chosen = (size: number) => {
      const row = { ...rows[0]!, size }
      const text = formatPlan({ ...plan, rows: [row], chosen: { ...plan.chosen!, size, why: '?.' } })
      return figures(/^Chosen \d+\. \?\. (.*?)\n\n/ms.exec(text)?.[1] ?? 'none')
    }
    expect(chosen(42)).toEqual(['--max-pack-records', '42'])
    // 25 is the default.
    expect(chosen(25)).toEqual([])
    expect(chosen(1)).toEqual(['--max-pack-records', '1'])
  })

  it('says how output and pace were measured', async () => {
    const measured = {
      ...{ requests: 1_234, records: 30_000, outputTokensPerRecord: 14.26 },
      timeToFirstToken: { p10: 210, p50: 320, p90: 640 },
      outputTokensPerSecond: { p10: 61.26, p50: 80, p90: 95 },
    }
    const plan = await planned(texts(100), { measured })
    expect(noted(plan, 'output')).toEqual([['14.1', '11.1', '1,234', '24']])
    expect(noted(plan, 'time')).toEqual([['4', '210', '640 ms', '1,234', '24', '61.3', '95', '1,234', '24']])
    for (const about of ['output', 'time']) {
      const text = notesOf(plan).find((note) => note.about === about)?.text
      expect(text).toMatch(/measured on 1,234 requests/)
      expect(text).toMatch(/another size/)
    }
  })

  it('says so when there is nothing to plan', async () => {
    expect(figures(await printed([]))).toEqual([])
    expect(figures(await printed([undefined, undefined]))).toEqual(['2'])
  })

  it('fits the terminal, also with large numbers: a narrow table leaves columns out and names them', async () => {
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
    const leftOut = (text: string) => /^\(no room: ([^)]*)\)$/m.exec(text)?.[1]?.replaceAll('\n', ' ') ?? ''
    for (const [columns, ofPlan, ofHuge] of [
      [200, '', ''],
      [100, '', ''],
      [undefined, '', 'cached, output, input'],
      [60, 'cached, output, input', 'cached, output, input, requests'],
      [50, 'cached, output, input, requests', 'cached, output, input, requests, bound by'],
    ] as const) {
      const [text, large] = [formatPlan(plan, columns), formatPlan(huge, columns)]
      for (const line of [...text.split('\n'), ...large.split('\n')]) {
        expect(line.length, line).toBeLessThanOrEqual(Math.min(columns ?? 80, 100))
      }
      expect([leftOut(text), leftOut(large)]).toEqual([ofPlan, ofHuge])
      expect(text).toMatch(/^ {2}pack .*cost +time/m)
    }
    for (const line of formatPlan(plan, 40).split('\n')) expect(line.length, line).toBeLessThanOrEqual(40)
  })

  it('keeps a number and its unit on one line', async () => {
    const plan = await planned(texts(300))
    for (let columns = 40; columns <= 100; columns += 1) {
      expect(formatPlan(plan, columns)).not.toMatch(/^(?:ms|s|min|h|days)\b/m)
    }
  })

  it('says where the price comes from, or why there is none', async () => {
    const price = readPrice({}, 'gpt-6-luna', {})
    expect(noted(await planned(texts(9), { price }), 'cost')[0]?.join(' ')).toContain(
      '$0.1 $0.01 $0.5 $0.125',
    )
    const unknown = readPrice({}, 'our-model', {})
    const plan = await makePlan(from(texts(9)), { ...unpriced, price: unknown })
    expect(noted(plan, 'cost')).toEqual([['--price-in', '--price-out', '--prices']])
    expect(noted(await planned(texts(9)), 'cost')).toEqual([])
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

  it('a range has two units where one unit would hide the low end', () => {
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
