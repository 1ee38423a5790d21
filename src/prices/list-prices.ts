import { anthropicLanes, geminiLanes, groqLanes, mistralLanes, openaiLanes } from './lanes.ts'
import type { ListedPrice, PriceTable } from './price-table.ts'

const LONG_OPENAI = 'Prompts of more than 272,000 tokens cost more.'
const LONG_HAIKU = 'Prompts of more than 100,000 tokens cost five times as much.'
const LONG_PRO = 'Prompts of more than 200,000 tokens cost more.'
const PEAK = 'It is the price of the peak hours. Other hours cost half.'

const price = (input: number, cachedInput: number | undefined, output: number): ListedPrice => ({
  ...{ input, cachedInput, output },
})
const withWrites = (
  input: number,
  cachedInput: number,
  cacheWrite: number,
  output: number,
  note?: string,
): ListedPrice => ({ input, cachedInput, cacheWrite, output, note })
/** A price of 2026 that doubles on a day. */
const doublesOn = (from: string, { input, cachedInput = input, output }: ListedPrice): ListedPrice[] => [
  price(input, cachedInput, output),
  { ...price(2 * input, 2 * cachedInput, 2 * output), from },
]

const flash2026 = doublesOn('2027-01-01', price(0.75, 0.075, 3.75))
const deepseekFlash = { ...price(0.3, 0.006, 1.2), note: PEAK }
const mistralSmall4 = price(0.15, 0.015, 0.6)
const mistralMedium35 = price(1.5, 0.15, 7.5)
const ministral8b = price(0.15, 0.015, 0.15)

/**
 * List prices of the standard tier, for text. docs/prices.md says where the prices and their days
 * come from.
 */
export const listPrices: PriceTable = [
  {
    provider: 'OpenAI',
    hosts: ['api.openai.com'],
    prefix: 'openai/',
    source: 'https://developers.openai.com/api/docs/pricing',
    date: '2026-11-10',
    lanes: openaiLanes,
    models: {
      'gpt-4o-mini': price(0.15, 0.075, 0.6),
      'gpt-4o': price(2.5, 1.25, 10),
      'gpt-4o-2024-05-13': price(5, undefined, 15),
      'gpt-4.1-nano': price(0.1, 0.025, 0.4),
      'gpt-4.1-mini': price(0.4, 0.1, 1.6),
      'gpt-4.1': price(2, 0.5, 8),
      'gpt-5-nano': price(0.05, 0.005, 0.4),
      'gpt-5-mini': price(0.25, 0.025, 2),
      'gpt-5': price(1.25, 0.125, 10),
      'gpt-5.1': price(1.25, 0.125, 10),
      'gpt-5.2': price(1.75, 0.175, 14),
      'gpt-5.4-nano': price(0.2, 0.02, 1.25),
      'gpt-5.4-mini': price(0.75, 0.075, 4.5),
      'gpt-5.4': { ...price(2.5, 0.25, 15), note: LONG_OPENAI },
      'gpt-5.5': { ...price(5, 0.5, 30), note: LONG_OPENAI },
      'gpt-5.6-luna': withWrites(0.2, 0.02, 0.25, 1.2, LONG_OPENAI),
      'gpt-5.6-terra': withWrites(2, 0.2, 2.5, 12, LONG_OPENAI),
      'gpt-5.6-sol': withWrites(4, 0.4, 5, 20, LONG_OPENAI),
      'gpt-6-luna': withWrites(0.1, 0.01, 0.125, 0.5, LONG_OPENAI),
      'gpt-6-sol': withWrites(2, 0.2, 2.5, 10, LONG_OPENAI),
      'gpt-6-astra': withWrites(10, 1, 12.5, 50, LONG_OPENAI),
      'gpt-6.1-terra': withWrites(1, 0.05, 1.25, 5, LONG_OPENAI),
      'gpt-6.1-sol': withWrites(2, 0.1, 2.5, 10, LONG_OPENAI),
      'o3-mini': price(1.1, 0.55, 4.4),
      o3: price(2, 0.5, 8),
      'o4-mini': price(1.1, 0.275, 4.4),
    },
  },
  {
    provider: 'Anthropic',
    hosts: ['api.anthropic.com'],
    prefix: 'anthropic/',
    source: 'https://platform.claude.com/docs/en/about-claude/pricing',
    date: '2026-11-10',
    lanes: anthropicLanes,
    models: {
      'claude-haiku-4-5': withWrites(1, 0.1, 1.25, 5),
      'claude-haiku-5-5': withWrites(0.1, 0.01, 0.125, 0.5, LONG_HAIKU),
      'claude-sonnet-4-5': withWrites(3, 0.3, 3.75, 15),
      'claude-sonnet-4-6': withWrites(3, 0.3, 3.75, 15),
      'claude-sonnet-5': withWrites(2, 0.2, 2.5, 10),
      'claude-sonnet-5-5': withWrites(2, 0.1, 2.5, 10),
      'claude-opus-4-5': withWrites(5, 0.5, 6.25, 25),
      'claude-opus-4-6': withWrites(5, 0.5, 6.25, 25),
      'claude-opus-4-7': withWrites(5, 0.5, 6.25, 25),
      'claude-opus-4-8': withWrites(5, 0.5, 6.25, 25),
      'claude-opus-5': withWrites(5, 0.5, 6.25, 25),
      'claude-opus-5-5': withWrites(4, 0.2, 5, 20),
      'claude-fable-5': withWrites(10, 1, 12.5, 50),
      'claude-fable-5-1': withWrites(10, 0.25, 12.5, 50),
      'claude-fable-5-2': withWrites(8, 0.2, 10, 40),
    },
  },
  {
    provider: 'Google Gemini',
    hosts: ['generativelanguage.googleapis.com'],
    prefix: 'google/',
    source: 'https://ai.google.dev/gemini-api/docs/pricing',
    date: '2026-11-10',
    lanes: geminiLanes,
    models: {
      'gemini-2.5-flash-lite': price(0.1, 0.01, 0.4),
      'gemini-2.5-flash': price(0.3, 0.03, 2.5),
      'gemini-2.5-pro': { ...price(1.25, 0.125, 10), note: LONG_PRO },
      'gemini-3-flash-preview': price(0.5, 0.05, 3),
      'gemini-3.1-flash-lite': price(0.25, 0.025, 1.5),
      'gemini-3.1-pro-preview': { ...price(2, 0.2, 12), note: LONG_PRO },
      'gemini-3.5-flash-lite': price(0.3, 0.03, 2.5),
      'gemini-3.5-flash': price(1.5, 0.15, 9),
      'gemini-3.6-flash': flash2026,
      'gemini-3.7-flash': flash2026,
      'gemini-3.8-flash': flash2026,
      'gemini-4-argon': doublesOn('2026-12-01', price(2, 0.1, 10)),
      'gemini-flash-lite-latest': price(0.3, 0.03, 2.5),
      'gemini-flash-latest': flash2026,
      'gemini-pro-latest': { ...price(2, 0.2, 12), note: LONG_PRO },
    },
  },
  {
    provider: 'DeepSeek',
    hosts: ['api.deepseek.com'],
    source: 'https://api-docs.deepseek.com/quick_start/pricing',
    date: '2026-11-15',
    models: {
      'deepseek-flash': deepseekFlash,
      'deepseek-v4-flash': deepseekFlash,
      'deepseek-v4-pro': { ...price(1.32, 0.044, 3.96), note: PEAK },
    },
  },
  {
    provider: 'Mistral',
    hosts: ['api.mistral.ai'],
    source: 'https://mistral.ai/pricing/api',
    date: '2026-11-10',
    lanes: mistralLanes,
    models: {
      'ministral-3b-2512': price(0.1, 0.01, 0.1),
      'ministral-8b-2512': ministral8b,
      'ministral-8b-latest': ministral8b,
      'ministral-14b-2512': price(0.2, 0.02, 0.2),
      'mistral-small-2506': price(0.1, undefined, 0.3),
      'mistral-small-2603': mistralSmall4,
      'mistral-small-latest': mistralSmall4,
      'mistral-medium-2505': price(0.4, 0.04, 2),
      'mistral-medium-2508': price(0.4, 0.04, 2),
      'mistral-medium-2604': mistralMedium35,
      'mistral-medium-3-5': mistralMedium35,
      'mistral-medium-latest': mistralMedium35,
      'mistral-large-2512': price(0.5, 0.05, 1.5),
      'mistral-large-4': price(0.7, 0.07, 2.1),
      'mistral-large-4-0': price(0.7, 0.07, 2.1),
      'codestral-2508': price(0.3, 0.03, 0.9),
    },
  },
  {
    provider: 'Groq',
    hosts: ['api.groq.com'],
    source: 'https://console.groq.com/docs/models',
    date: '2026-11-10',
    lanes: groqLanes,
    models: {
      'llama-3.1-8b-instant': price(0.05, undefined, 0.08),
      'llama-3.3-70b-versatile': price(0.59, undefined, 0.79),
      'meta-llama/llama-4-scout-17b-16e-instruct': price(0.11, undefined, 0.34),
      'openai/gpt-oss-20b': price(0.075, 0.0375, 0.3),
      'openai/gpt-oss-120b': price(0.15, 0.075, 0.6),
      'qwen/qwen3-32b': price(0.29, undefined, 0.59),
      'qwen/qwen3.8-27b': price(0.8, undefined, 4),
    },
  },
]
