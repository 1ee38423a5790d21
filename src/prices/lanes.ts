import type { Lane } from './price-table.ts'

/** The models of the table that take `service_tier: flex`. */
const OPENAI_FLEX = [
  ...['o3', 'o4-mini', 'gpt-5-nano', 'gpt-5-mini', 'gpt-5', 'gpt-5.1', 'gpt-5.2'],
  ...['gpt-5.4-nano', 'gpt-5.4-mini', 'gpt-5.4', 'gpt-5.5', 'gpt-5.6-luna', 'gpt-5.6-terra', 'gpt-5.6-sol'],
  ...['gpt-6-luna', 'gpt-6-sol', 'gpt-6-astra', 'gpt-6.1-terra', 'gpt-6.1-sol'],
]
const background = {
  source: 'https://developers.openai.com/api/docs/guides/flex-processing',
  date: '2026-12-01',
  models: OPENAI_FLEX,
  note: 'only the Responses API and supported models, and the time is a target',
}

export const openaiLanes: readonly Lane[] = [
  {
    ...{ name: 'Flex', factor: 0.5, models: OPENAI_FLEX },
    ...{ source: background.source, date: background.date },
    note: 'slow, a request may be refused, and OpenAI winds it down. A run can use it: --request with a service_tier of "flex"',
  },
  { name: 'background, 2 h', factor: 0.7, withinHours: 2, ...background },
  { name: 'background, 8 h', factor: 0.6, withinHours: 8, ...background },
  {
    ...{ name: 'Batch API', factor: 0.5, withinHours: 24 },
    source: 'https://developers.openai.com/api/docs/guides/batch',
    date: '2026-11-24',
    note: 'at most 50,000 requests in a batch',
  },
]

export const anthropicLanes: readonly Lane[] = [
  {
    ...{ name: 'Message Batches', factor: 0.5, withinHours: 24 },
    source: 'https://platform.claude.com/docs/en/build-with-claude/batch-processing',
    date: '2026-12-01',
    note: 'at most 100,000 requests in a batch',
  },
]

export const geminiLanes: readonly Lane[] = [
  {
    ...{ name: 'Flex', factor: 0.5, minutes: { low: 1, high: 15 } },
    source: 'https://ai.google.dev/gemini-api/docs/optimization',
    date: '2026-12-01',
    note: 'a preview, a request may be refused, and the time of a request is a target',
  },
  {
    ...{ name: 'Batch API', factor: 0.5, withinHours: 24 },
    source: 'https://ai.google.dev/gemini-api/docs/optimization',
    date: '2026-12-01',
  },
]

export const mistralLanes: readonly Lane[] = [
  {
    ...{ name: 'Batch API', factor: 0.5, withinHours: 24 },
    source: 'https://mistral.ai/pricing/api',
    date: '2026-12-01',
  },
]

export const groqLanes: readonly Lane[] = [
  {
    ...{ name: 'Batch API', factor: 0.5, withinHours: 24 },
    source: 'https://groq.com/pricing',
    date: '2026-05-08',
    note: 'a longer window may be chosen, up to 7 days',
  },
]
