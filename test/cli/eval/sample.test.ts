import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { goldBy } from '../../../src/cli/eval/gold.ts'
import { drawSample, sampleNotes } from '../../../src/cli/eval/sample.ts'
import type { Item } from '../../../src/cli/rows/item.ts'
import { RowError } from '../../../src/files/index.ts'

const labels = z.object({ label: z.enum(['card', 'fee', '5']) })
const item = (index: number, own: Record<string, unknown>, text: Item['text'] = `text ${index}`): Item => ({
  ...{ index, file: 'in.csv', line: index + 2, own, text },
})
async function* stream(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items
  await Promise.resolve()
}
const draw = (items: readonly Item[], size = 10, seed = 1, gold = goldBy('label', labels)) =>
  drawSample(stream(items), size, seed, gold)

describe('the right results', () => {
  it.each([
    ['card', 'card'],
    ['  fee ', 'fee'],
    ['', undefined],
    [null, undefined],
    [5, 5],
    ['{"a":1}', { a: 1 }],
    ['[1', '[1'],
  ])('%j of a column is %j', (cell, gold) => {
    expect(goldBy('label', labels).of({ label: cell })).toEqual(gold)
  })

  it('of several columns are the fields of an object, and missing where one of them is', () => {
    const gold = goldBy('topic, urgent', z.object({ topic: z.string(), urgent: z.boolean() }))
    expect(gold.of({ topic: 'card', urgent: 'true', id: 1 })).toEqual({ topic: 'card', urgent: 'true' })
    expect(gold.of({ topic: 'card', urgent: '' })).toBeUndefined()
  })

  it('are allowed where the schema allows them, as a text or as the value that it stands for', () => {
    const gold = goldBy('label', labels)
    expect(['card', 'cardd', '5', { label: 'x' }].map((one) => gold.isAllowed(one))).toEqual([
      ...[true, false, true, true],
    ])
    const truth = goldBy('spam', z.object({ spam: z.boolean() }))
    expect(['true', 'yes', true].map((one) => truth.isAllowed(one))).toEqual([true, false, true])
    expect(goldBy('n', z.object({ a: z.string(), b: z.string() })).isAllowed('x')).toBe(true)
  })
})

describe('the sample', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => item(i, { label: 'card' }))
  const indexes = async (seed: number) =>
    (await draw(many, 50, seed)).records.map(({ item: { index } }) => index)

  it('is drawn by the seed from the whole input, in the order of the input', async () => {
    const first = await indexes(1)
    expect(first).toHaveLength(50)
    expect(first).toEqual(first.toSorted((a, b) => a - b))
    expect(await indexes(1)).toEqual(first)
    const both = first.filter((index) => new Set([...first]).has(index))
    expect(both).toHaveLength(50)
    for (const seed of [0, 2, -1, 12_345_678_901]) expect(await indexes(seed)).not.toEqual(first)
    // With 30 seeds, each tenth of the input has about 150 of 1,500 records.
    const tenths = Array.from({ length: 10 }, () => 0)
    for (let seed = 1; seed <= 30; seed += 1) {
      for (const index of await indexes(seed)) tenths[Math.floor(index / 100)]! += 1
    }
    for (const count of tenths) expect(count).toBeGreaterThan(100)
  })

  it('leaves out rows that cannot be asked, and records without a right result', async () => {
    const broken = new RowError('invalid_csv', 'in.csv', 9, 'broken')
    const sample = await draw([
      ...[
        item(0, { label: 'card' }),
        item(1, {}, broken),
        item(2, { label: '' }),
        item(3, { label: 'cardd' }),
      ],
    ])
    expect(sample).toMatchObject({ usable: 2, unreadable: 1, withoutGold: 1, notAllowed: 1 })
    expect(sampleNotes(sample)).toEqual([
      'Left out: rows that are broken or without text: 1, records without a value in --gold: 1.',
      'The schema does not allow the right result of 1 of 2 records, such as "cardd" at in.csv:5: an answer can never be right.',
    ])
  })

  it('refuses an input without records, without the column, or whose results can never be right', async () => {
    expect(() => sampleNotes({ ...empty, withoutGold: 3 })).toThrow(
      'Expected records to ask, and found none. Left out: records without a value in --gold: 3.',
    )
    await expect(draw([item(0, { labl: 'card' })])).rejects.toThrow(
      '--gold: in.csv:2: there is no column "label"; there are: "labl"',
    )
    const wrong = await draw([item(0, { label: 'Card' }), item(1, { label: 'Fee' })])
    expect(() => sampleNotes(wrong)).toThrow(
      '--gold: expected results that the schema allows, and found none. The first of the sample is "Card" at in.csv:2',
    )
  })

  it('has no right results without --gold', async () => {
    const sample = await drawSample(stream([item(0, {})]), 5, 1, undefined)
    expect(sample.records).toEqual([{ item: item(0, {}), gold: undefined }])
    expect(sampleNotes(sample)).toEqual([])
  })
})

const empty = {
  ...{ records: [], usable: 0, unreadable: 0, withoutGold: 0, notAllowed: 0, firstNotAllowed: undefined },
}
