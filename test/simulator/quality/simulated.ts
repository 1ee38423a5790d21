import { expect } from 'vitest'
import { Answerer } from '../../../src/simulator/answer/answer.ts'
import { QualityModel } from '../../../src/simulator/quality/model.ts'
import { type Quality, resolveQuality } from '../../../src/simulator/quality/options.ts'
import { emptyQuality } from '../../../src/simulator/quality/stats.ts'

export const labels = ['a', 'b', 'c', 'd', 'other']
export const objectOf = (properties: object) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
})
export const schemaOf = (properties: object) => ({
  type: 'object',
  properties: {
    results: {
      type: 'array',
      items: objectOf({ id: { type: 'integer' }, ...properties }),
    },
  },
  required: ['results'],
})

export const textOf = (record: number) => `message ${record} of a customer`
/** The right labels are in no order, and never `other`. */
export const goldOf = (text: string) =>
  labels[Math.floor(Math.abs(Math.sin(Number(text.split(' ')[1])) * 1e4)) % 4]
export const range = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at)

/** A simulator without a network. `ask` returns the results of one request. */
export function simulated(
  quality: Partial<Quality> = {},
  schema: object = schemaOf({ label: { enum: labels } }),
) {
  const stats = emptyQuality()
  const answerer = new Answerer(new QualityModel(resolveQuality({ truth: goldOf, ...quality }), stats))
  const format = {
    type: 'json_schema' as const,
    name: 'r',
    schema,
    json: JSON.stringify(schema),
    strict: false,
  }
  const settings = { api: 'chat' as const, stream: false, maxTokens: undefined, format }
  const say = (text: string, model = 'm'): unknown =>
    JSON.parse(answerer.answer({ ...settings, model, messages: [{ role: 'user', text }] }))
  const ask = (texts: readonly string[], model?: string) => {
    const message = texts.map((text, at) => `<record id="${at + 100}">${text}</record>`).join('\n')
    return (say(message, model) as { results: Record<string, unknown>[] }).results
  }
  /** Asks all records in packs of `size`. Returns the label of each record. */
  const askAll = (records: readonly number[], size: number, model?: string): unknown[] =>
    range(Math.ceil(records.length / size)).flatMap((pack) =>
      ask(records.slice(pack * size, (pack + 1) * size).map(textOf), model).map(({ label }) => label),
    )
  return { stats, say, ask, askAll }
}

export const isRight = (label: unknown, record: number) => label === goldOf(textOf(record))
export const rightIn = (answers: readonly unknown[], records: readonly number[]) =>
  answers.map((label, at) => isRight(label, records[at] ?? NaN))
export const share = (flags: readonly boolean[]) => flags.filter(Boolean).length / flags.length
/** Five standard deviations of a share: chance exceeds them in one of 1.7 million cases. */
export const luck = (expected: number, count: number) => 5 * Math.sqrt((expected * (1 - expected)) / count)
export function expectShare(flags: readonly boolean[], expected: number) {
  expect(flags.length).toBeGreaterThan(0)
  expect(Math.abs(share(flags) - expected)).toBeLessThanOrEqual(luck(expected, flags.length))
}
