import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { evaluate, type EvalOptions, type EvalProgress } from 'llm-pack-stream/eval'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { qualityClient } from '../helpers/quality-client.ts'
import { goldOf, labels, textOf } from '../simulator/quality/simulated.ts'

const folder = mkdtempSync(join(tmpdir(), 'eval-'))
const journal = join(folder, 'eval.jsonl')
afterEach(() => {
  rmSync(journal, { force: true })
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const messages = (count: number) => Array.from({ length: count }, (_, at) => textOf(at))
const schema = z.object({ label: z.enum(labels) })
type Options = EvalOptions<string, { label: string }>

function task(more: Partial<Options> = {}, quality: object = { accuracy: 0.9, noise: 0.05 }) {
  const client = qualityClient({ truth: goldOf, ...quality })
  const options: Options = {
    ...{ client, model: 'm', instructions: 'Label.', schema, pricing: { input: 1, output: 2 } },
    ...{ records: messages(60), gold: goldOf, sizes: [5], maxInFlight: 2, ...more },
  }
  return { client, options }
}
/** The report without times. */
const figures = (report: object): unknown =>
  JSON.parse(
    JSON.stringify(report, (key, value: unknown) => (['speed', 'sentences'].includes(key) ? 0 : value)),
  )

describe('an eval', () => {
  it('asks each record once in each arm, in planned packs', async () => {
    const { client, options } = task()
    const report = await evaluate(options)
    expect(report.arms.map(({ name, records, requests }) => [name, records, requests])).toEqual([
      ['packs of 1', 60, 60],
      ['packs of 1 again', 60, 60],
      ['packs of 5', 60, 12],
      ['packs of 5 again', 60, 12],
    ])
    expect(client.calls).toHaveLength(144)
    expect(client.maxInFlight).toBe(2)
    expect(report).toMatchObject({ records: 60, scoredBy: 'labels', stopped: undefined })
  })

  it('asks a block in all arms before the next block', async () => {
    const { client, options } = task()
    const seen: string[] = []
    await evaluate({ ...options, onProgress: ({ arm, done }) => seen.push(`${arm}: ${done}`) })
    // A block has the records of two packs of 5.
    const blocks = Array.from({ length: 6 }, (_, block) => seen.slice(4 * block, 4 * block + 4))
    for (const [block, arms] of blocks.entries()) {
      expect(arms.map((arm) => arm.split(':')[0]).sort()).toEqual([
        'packs of 1',
        'packs of 1 again',
        'packs of 5',
        'packs of 5 again',
      ])
      expect(arms.at(-1)).toContain(`: ${40 * (block + 1)}`)
    }
    expect(new Set(blocks.map((arms) => arms.map((arm) => arm.split(':')[0]).join())).size).toBeGreaterThan(2)
    const packs = client.calls.filter(({ records }) => records.length > 1)
    expect(new Set(packs.map(({ records }) => records.map(({ text }) => text).join()))).toHaveProperty(
      'size',
      24,
    )
  })

  it('keeps to the partition, the common fields and the checks of the user', async () => {
    const records = messages(40).map((text, at) => ({ text, tenant: `t${at % 2}`, rules: `r${at % 4}` }))
    const { client } = task()
    await evaluate({
      ...{ client, model: 'm', instructions: 'Label.', schema, records, sizes: [5], maxInFlight: 2 },
      serialize: ({ text }) => text,
      partition: ({ tenant }) => tenant,
      hoist: ['rules'],
      validate: (record) => record.text.startsWith('message') || 'no',
    })
    const tenants = new Map(records.map(({ text, tenant, rules }) => [text, `${tenant}/${rules}`]))
    for (const call of client.calls) {
      expect(new Set(call.records.map(({ text }) => tenants.get(text))).size).toBe(1)
    }
    expect(client.calls.some(({ records: { length } }) => length > 2)).toBe(true)
  })

  it('stops an arm that cannot win', async () => {
    const { client, options } = task(
      { records: messages(600), sizes: [10] },
      { accuracy: 1, perSize: { 10: 60 } },
    )
    const report = await evaluate(options)
    const packs = report.arms.find(({ kind }) => kind === 'packed')
    expect(packs).toMatchObject({ isStopped: true, loss: { verdict: 'beyond' } })
    expect(packs?.records).toBeLessThan(600)
    expect(report.recommendation.kind).toBe('alone')
    expect(client.calls.length).toBeGreaterThan(1_200)
  })

  it('asks votes and more examples as arms', async () => {
    const examples = messages(9).map((record) => ({ record, value: { label: goldOf(record) } }))
    const { options } = task({
      extra: [
        { name: '2 votes', size: 5, options: { votes: 3 } },
        { name: '9 examples', size: 5, options: { examples } },
      ],
    })
    const report = await evaluate(options)
    const [votes, more] = report.arms.filter(({ kind }) => kind === 'extra')
    expect(votes).toMatchObject({ records: 60, groups: 6 })
    expect(votes?.requests).toBeGreaterThanOrEqual(24)
    expect(more).toMatchObject({ records: 60, groups: 12, requests: 12 })
  })
})

describe('the cap and the signal of an eval', () => {
  it('spends no more than maxCost, over all arms, and goes on with more', async () => {
    const { client, options } = task({ journal, maxCost: 0.01 })
    const first = await evaluate(options)
    expect(first.stopped).toBe('max_cost')
    expect(first.cost).toBeLessThanOrEqual(0.01)
    expect(first.cost).toBeGreaterThan(0.005)
    const asked = client.calls.length
    const whole = await evaluate({ ...options, maxCost: 10 })
    expect(whole.stopped).toBeUndefined()
    expect(whole.arms.every(({ records }) => records === 60)).toBe(true)
    // A pack that the cap cut off is asked again, whole.
    expect(client.calls.length).toBeLessThan(144 + 2 + asked)
  })

  it('is refused beside answers without a cost, before a request', async () => {
    const { client, options } = task({ journal, pricing: undefined, records: messages(20) })
    const controller = new AbortController()
    const onProgress = () => {
      controller.abort()
    }
    await evaluate({ ...options, signal: controller.signal, onProgress })
    const asked = client.calls.length
    const capped = evaluate({ ...options, pricing: { input: 1, output: 2 }, maxCost: 1 })
    await expect(capped).rejects.toMatchObject({ option: 'maxCost' })
    expect(client.calls).toHaveLength(asked)
  })

  it('lets running requests end, and keeps them', async () => {
    const controller = new AbortController()
    const seen: EvalProgress[] = []
    const { client, options } = task({ journal, signal: controller.signal })
    const stopAt = 30
    const report = await evaluate({
      ...options,
      onProgress(progress) {
        seen.push(progress)
        if (progress.done >= stopAt) controller.abort()
      },
    })
    expect(report.stopped).toBe('aborted')
    const asked = client.calls.length
    await evaluate({ ...options, signal: undefined })
    expect(client.calls).toHaveLength(144)
    expect(asked).toBeLessThan(144)
  })

  it('ends with the error of a wrong key', async () => {
    const { options } = task({ journal })
    const refuse = () => Promise.reject(Object.assign(new Error('no'), { status: 401 }))
    const client = { chat: { completions: { create: refuse } } } as unknown as Options['client']
    await expect(evaluate({ ...options, client })).rejects.toMatchObject({ name: 'PackStreamError' })
    expect((await evaluate(options)).stopped).toBeUndefined()
  })
})

describe('the journal of an eval', () => {
  it('may be cut anywhere: a resumed eval asks nothing twice, and has the same report', async () => {
    // Noise depends on how often a request came before, so it differs in another process.
    const quality = { accuracy: 0.8, perPosition: 0.02 }
    const whole = task({ journal, records: messages(20) }, quality)
    const report = figures(await evaluate(whole.options))
    const bytes = readFileSync(journal)
    const ends = [...bytes.entries()].flatMap(([at, byte]) => (byte === 10 ? [at + 1] : []))
    // All cuts near the ends of lines, and some within.
    const cuts = new Set([...ends.flatMap((end) => [end - 1, end, end + 1]), 0, 1, 20, 400, bytes.length])
    for (const cut of cuts) {
      writeFileSync(journal, bytes.subarray(0, cut))
      const again = task({ journal, records: messages(20) }, quality)
      const kept = bytes.subarray(0, cut).toString().split('\n').slice(1, -1)
      const requests = kept.map(
        (line) => (JSON.parse(line) as { spent: { requests: number } }).spent.requests,
      )
      const resumed = await evaluate(again.options)
      expect(figures(resumed)).toEqual(report)
      expect(again.client.calls).toHaveLength(48 - requests.reduce((a, b) => a + b, 0))
    }
  })

  it('belongs to its task', async () => {
    const { options } = task({ journal, records: messages(10) })
    await evaluate(options)
    const before = readFileSync(journal)
    for (const other of [{ model: 'n' }, { seed: 2 }, { records: messages(11) }, { sizes: [6] }]) {
      await expect(evaluate({ ...options, ...other })).rejects.toThrow('is the journal of another task')
    }
    expect(readFileSync(journal)).toEqual(before)
    await evaluate({ ...options, margin: 0.05 })
    writeFileSync(journal, 'id,text\n1,a\n')
    await expect(evaluate(options)).rejects.toMatchObject({
      ...{ code: 'no_journal', message: expect.stringContaining('is no journal of an eval') as string },
    })
    expect(readFileSync(journal, 'utf8')).toBe('id,text\n1,a\n')
  })

  it('names a line that is no JSON', async () => {
    const { options } = task({ journal, records: messages(10) })
    await evaluate(options)
    const lines = readFileSync(journal, 'utf8').split('\n')
    writeFileSync(journal, lines.with(2, '{"a').join('\n'))
    await expect(evaluate(options)).rejects.toThrow(`${journal}, line 3: expected the JSON of a journal`)
  })
})

describe('the options of an eval', () => {
  const bad: readonly [string, object][] = [
    ['records', { records: [] }],
    ['records', { records: 'a' }],
    ['sizes', { sizes: [0] }],
    ['margin', { margin: 1 }],
    ['seed', { seed: 0.5 }],
    ['gold', { gold: 'label' }],
    ['journal', { journal: '' }],
    ['extra', { extra: 1 }],
    ['extra[0].size', { extra: [{ name: 'a', size: 0, options: {} }] }],
    ['extra[0]', { extra: [{ name: 'a', size: 1, options: { cache: new Map() } }] }],
    ['maxCost', { maxCost: 1, pricing: undefined }],
    ['model', { model: '' }],
    ['modle', { modle: 'm' }],
  ]
  it.each(bad)('name %s if it is bad', async (option, more) => {
    const { client, options } = task()
    await expect(evaluate({ ...options, ...more })).rejects.toMatchObject({ option })
    expect(client.calls).toHaveLength(0)
  })
})
