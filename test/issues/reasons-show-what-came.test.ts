import { inspect } from 'node:util'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { expect, expectTypeOf, it } from 'vitest'
import { PackStream, RecordError, type RequestError } from 'llm-pack-stream'
import * as z from 'zod'
import { resultFormat } from '../../src/request/result-format.ts'
import { collect, patient } from '../helpers/collect.ts'
import { scriptedClient } from '../helpers/scripted-client.ts'

const schema = z.object({
  team: z.enum(['billing', 'shipping']),
  score: z.int().max(10),
  at: z.iso.date().default('2026-01-01'),
  names: z.array(z.string().min(2)).default([]),
  kind: z.literal('x').default('x'),
  note: z
    .string()
    .refine((note) => note !== 'secret', { error: ({ input }) => `not ${String(input)}` })
    .default(''),
})

const good = { team: 'billing', score: 1 }

async function reasonOf(text: (id: number) => string): Promise<RecordError> {
  const client = scriptedClient(({ records }) => ({ text: text(records[0]!.id) }))
  const stream = new PackStream({ ...patient, client, model: 'm', instructions: '', schema, maxAttempts: 1 })
  const [outcome] = await collect(stream, ['a record'])
  if (outcome?.status !== 'rejected') throw new Error('The record was fulfilled')
  return outcome.reason
}

it.each<[object, string]>([
  [{ team: 'Billing' }, 'team: expected one of "billing", "shipping"'],
  [{ team: 'Billing', score: 'high' }, 'team: expected one of "billing", "shipping"; and at score'],
  [{ score: 'high' }, 'score: expected number'],
  [{ score: 11 }, 'score: expected at most 10'],
  [{ at: 'yesterday' }, 'at: expected the format date'],
  [{ names: ['x'] }, 'names.0: expected at least 2'],
  [{ kind: 'y' }, 'kind: expected "x"'],
  // The user's own message may quote the model, and stands only in `issues`.
  [{ note: 'secret' }, 'note'],
])('%j: the message says at which place what was expected', async (change, said) => {
  const reason = await reasonOf((id) => JSON.stringify({ results: [{ id, ...good, ...change }] }))
  expect(reason.message).toBe(`The result does not match the schema at ${said}`)
  expect(reason.code).toBe('invalid_result')
  expect(JSON.parse(reason.raw ?? '')).toMatchObject(change)
})

it.each<[z.ZodType, unknown, string]>([
  [z.number().lt(5), 5, 'below 5'],
  [z.number().positive(), 0, 'above 0'],
  [z.number().min(1), 0, 'at least 1'],
  [z.string().length(3), 'four', 'exactly 3'],
  [z.string().regex(/^a+$/), 'b', 'the pattern /^a+$/'],
  [z.string().startsWith('A "'), 'b', String.raw`a text that starts with "A \""`],
  [z.string().endsWith('z'), 'b', 'a text that ends with "z"'],
  [z.string().includes('z'), 'b', 'a text that includes "z"'],
])('the message says exactly what was expected: %#', (part, value, expected) => {
  const checked = resultFormat(z.object({ part })).check({ part: value })
  expect('issues' in checked && checked.issues).toMatchObject([{ expected }])
})

it('the message says what another Standard Schema expects, without the text of the model', () => {
  const ark = resultFormat(type({ label: "'a' | 'b'", 'note?': 'string | null' }))
  const valibot = resultFormat(toStandardJsonSchema(v.object({ label: v.picklist(['a', 'b']) })))
  expect(ark.check({ label: 'secret' })).toMatchObject({ issues: [{ expected: '"a" or "b"' }] })
  expect(valibot.check({ label: 'secret' })).toMatchObject({ issues: [{ expected: '("a" | "b")' }] })
})

it('the message does not blame the schema for what `validate` refuses', async () => {
  const client = scriptedClient(({ records }) => ({
    text: JSON.stringify({ results: [{ id: records[0]!.id, value: 'secret' }] }),
  }))
  const options = { ...patient, client, model: 'm', instructions: '', maxAttempts: 1, schema: z.string() }
  const validate = (_record: string, value: string) => `${value} has no placeholder`
  const [outcome] = await collect(new PackStream({ ...options, validate }), ['a'])
  expect(outcome).toMatchObject({
    reason: {
      code: 'invalid_result',
      message: '`validate` refused the result. `issues` has its reason',
      issues: [{ message: 'secret has no placeholder' }],
      raw: expect.stringContaining('secret') as string,
    },
  })
})

it('long lists of labels are shortened', async () => {
  const labels = Array.from({ length: 77 }, (_, i) => `label number ${i}`)
  const client = scriptedClient(({ records }) => ({
    text: JSON.stringify({ results: [{ id: records[0]!.id, value: 'x' }] }),
  }))
  const options = { ...patient, client, model: 'm', instructions: '', maxAttempts: 1 }
  const [outcome] = await collect(new PackStream({ ...options, schema: z.enum(labels) }), ['a'])
  const { message } = (outcome as { reason: RecordError }).reason
  expect(message).toContain('expected one of "label number 0", "label number 1"')
  expect(message.length).toBeLessThan(250)
})

it.each([
  ['missing_result', '{"results":[]}'],
  ['request_failed', 'I cannot say it in JSON.'],
])('%s has the beginning of the answer, which no logger prints', async (code, text) => {
  const long = `${text}${' \n\t'.repeat(20)}${'.'.repeat(5_000)}`
  const reason = await reasonOf(() => (code === 'missing_result' ? text : long))
  expect(reason.code).toBe(code)
  expect(reason.raw).toBe(code === 'missing_result' ? text : long.slice(0, 4_096))
  expect(inspect(reason, { depth: 5 })).not.toContain(text)
  expect(JSON.stringify(reason)).not.toContain('cannot')
})

it('the cause is a RequestError by its type', () => {
  expectTypeOf<RecordError['cause']>().toEqualTypeOf<RequestError | undefined>()
})
