import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { PackStream } from '../../src/index.ts'
import { listPrices, priceOf, readPrices, type PriceTable } from '../../src/prices/index.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'

const hosts = Object.fromEntries(
  listPrices.map(({ provider, hosts }) => [provider, `https://${hosts?.[0]}/v1`]),
)
const at = new Date('2026-11-30')

describe('the table of the package', () => {
  it.each(listPrices.map((prices) => [prices.provider, prices] as const))(
    '%s: has a source, a day, and prices that a stream takes',
    (provider, { source, date, models }) => {
      expect(URL.parse(source)?.protocol).toBe('https:')
      expect(date).toMatch(/^2026-\d\d-\d\d$/)
      for (const [name, entry] of Object.entries(models)) {
        const periods = [entry].flat()
        expect(periods[0]?.from).toBeUndefined()
        const days = periods.map(({ from = '' }) => from)
        expect(days).toEqual(days.toSorted())
        for (const { input, cachedInput = 0, cacheWrite = input, output } of periods) {
          expect(cachedInput).toBeLessThan(input)
          expect(cacheWrite).toBeGreaterThanOrEqual(input)
          expect(output).toBeGreaterThanOrEqual(input)
        }
        expect(priceOf(name, { baseURL: hosts[provider], at })).toMatchObject({
          provider,
          model: name,
          date,
          source,
        })
      }
    },
  )

  it('has the form that readPrices takes', () => {
    expect(readPrices(write('table.json', JSON.stringify(listPrices)))).toEqual(
      JSON.parse(JSON.stringify(listPrices)),
    )
  })

  it('gives the option `pricing` of a stream', () => {
    const { pricing } = priceOf('gpt-4o-mini', { at })
    expect(pricing).toEqual({ input: 0.15, cachedInput: 0.075, output: 0.6 })
    const options = {
      client: scriptedClient(echo),
      model: 'gpt-4o-mini',
      instructions: '',
      schema: z.string(),
    }
    expect(() => new PackStream({ ...options, pricing, maxCost: 1 }).destroy()).not.toThrow()
  })
})

describe('the price of a model', () => {
  it.each<[name: string, baseURL: string | undefined, found: string | undefined]>([
    ['gpt-4o-mini', undefined, 'OpenAI gpt-4o-mini'],
    ['gpt-4o-mini', 'https://api.openai.com/v1/', 'OpenAI gpt-4o-mini'],
    ['gpt-4o-mini-2024-07-18', undefined, 'OpenAI gpt-4o-mini'],
    ['gpt-4o-2024-05-13', undefined, 'OpenAI gpt-4o-2024-05-13'],
    ['claude-haiku-4-5-20251001', 'https://api.anthropic.com/v1/', 'Anthropic claude-haiku-4-5'],
    [
      'models/gemini-2.5-flash',
      'https://generativelanguage.googleapis.com/v1beta/openai/',
      'Google Gemini gemini-2.5-flash',
    ],
    // The same model has another price at another host, or none.
    ['openai/gpt-oss-20b', 'https://api.groq.com/openai/v1', 'Groq openai/gpt-oss-20b'],
    ['openai/gpt-oss-20b', 'https://openrouter.ai/api/v1', undefined],
    ['gpt-4o-mini', 'https://api.groq.com/openai/v1', undefined],
    ['deepseek-v4-pro', 'https://api.deepseek.com', 'DeepSeek deepseek-v4-pro'],
    ['deepseek-v4-pro', undefined, undefined],
    ['deepseek/deepseek-v4-pro', 'https://openrouter.ai/api/v1', undefined],
    // Gateways.
    ['openai/gpt-4o-mini', 'https://openrouter.ai/api/v1', 'OpenAI gpt-4o-mini (another server)'],
    [
      'anthropic/claude-haiku-4.5',
      'https://openrouter.ai/api/v1',
      'Anthropic claude-haiku-4-5 (another server)',
    ],
    ['gpt-4o-mini', 'https://me.openai.azure.com/openai/v1/', 'OpenAI gpt-4o-mini (another server)'],
    ['gpt-4o-mini', 'http://127.0.0.1:4000/v1', 'OpenAI gpt-4o-mini (another server)'],
    // No guesses.
    ['llama-3.1-8b-instant', 'http://127.0.0.1:8000/v1', undefined],
    ['gpt-4o-mini-tuned', undefined, undefined],
    ['gpt-4o-mini-2024', undefined, undefined],
    ['ft:gpt-4o-mini-2024-07-18:me::x', undefined, undefined],
    ['constructor', undefined, undefined],
    ['', undefined, undefined],
    ['gpt-4o-mini', 'no URL', 'OpenAI gpt-4o-mini (another server)'],
  ])('%s at %s: %s', (model, baseURL, expected) => {
    const found = priceOf(model, { baseURL, at })
    const shown =
      found.pricing && `${found.provider} ${found.model}${found.isOwnServer ? '' : ' (another server)'}`
    expect(shown).toBe(expected)
  })

  it.each([
    ['2026-12-31T23:59:59Z', 0.75],
    ['2027-01-01T00:00:00Z', 1.5],
  ])('is that of the day: %s', (day, input) => {
    const found = priceOf('gemini-3.8-flash', { baseURL: hosts['Google Gemini'], at: new Date(day) })
    expect(found.pricing?.input).toBe(input)
  })

  it.each([
    ['flex', 'tier'],
    ['priority', 'tier'],
    ['batch', 'tier'],
    [7, 'tier'],
    ['default', 'OpenAI'],
    ['auto', 'OpenAI'],
    [undefined, 'OpenAI'],
  ])('is known only for the standard tier: %s', (serviceTier, expected) => {
    const found = priceOf('gpt-4o-mini', { serviceTier, at })
    expect(found.pricing ? found.provider : found.why).toBe(expected)
  })

  it('comes from another table: of any server, if the table names none', () => {
    const table: PriceTable = [
      {
        provider: 'Us',
        source: 'contract',
        date: '2026-11-30',
        models: { 'our-model': { input: 1, output: 2 } },
      },
    ]
    const found = priceOf('our-model', { baseURL: 'http://localhost:8000/v1', table, at })
    expect(found).toMatchObject({ provider: 'Us', pricing: { input: 1, output: 2 }, isOwnServer: true })
    expect(priceOf('gpt-4o-mini', { table, at })).toEqual({ pricing: undefined, why: 'model' })
  })
})

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

describe('readPrices', () => {
  const entry = (models: object, more: object = {}) =>
    JSON.stringify([{ provider: 'Us', source: 'contract', date: '2026-11-30', models, ...more }])

  it.each([
    ['not JSON', 'Unexpected token'],
    ['{}', 'expected a price table: Invalid input: expected array'],
    [
      entry({ m: { input: '1', output: 2 } }),
      '[0].models.m.input: Invalid input: expected number, received string',
    ],
    [entry({ 'gpt-4o-mini': { input: 1 } }), '[0].models["gpt-4o-mini"].output: Invalid input'],
    [
      entry({
        m: [
          { input: 1, output: 2 },
          { input: -1, output: 2 },
        ],
      }),
      '[0].models.m[1].input: Too small',
    ],
    [entry({ m: { input: 1, output: 2, cached: 1 } }), '[0].models.m: Unrecognized key: "cached"'],
    [entry({ m: [] }), '[0].models.m: '],
    [entry({}, { date: 'yesterday' }), '[0].date: Invalid ISO date'],
    [entry({}, { hosts: ['https://api.x/v1'] }), '[0].hosts[0]: expected the name of a host'],
    [entry({}, { host: 'x' }), '[0]: Unrecognized key: "host"'],
  ])('names the file and the entry: %s', (text, message) => {
    const file = write('prices.json', text)
    expect(() => readPrices(file)).toThrow(`${file}: expected a price table: `)
    expect(() => readPrices(file)).toThrow(message)
  })

  it('names a file that is absent, and reads a byte order mark', () => {
    expect(() => readPrices(join(folder, 'absent.json'))).toThrow(
      'absent.json: expected a price table: ENOENT',
    )
    expect(readPrices(write('bom.json', `\uFEFF${entry({})}`))).toHaveLength(1)
  })

  it('reads UTF-16, as other files of a person, and names a line in another encoding', () => {
    const file = join(folder, 'encoded.json')
    const note = entry({ m: { input: 1, output: 2, note: 'até 2027' } })
    for (const bytes of [Buffer.from(`\uFEFF${note}`, 'utf16le'), Buffer.from(note, 'utf16le').swap16()]) {
      writeFileSync(file, bytes)
      expect(readPrices(file)).toEqual(JSON.parse(note))
    }
    writeFileSync(file, Buffer.from(note, 'latin1'))
    expect(() => readPrices(file)).toThrow(
      `${file}:1: expected UTF-8 or UTF-16, got bytes that are not. Save the file as UTF-8`,
    )
  })
})
