import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  csvLine,
  isExactNumber,
  jsonlLine,
  outcomeRow,
  parseExactly,
  readJson,
  readJsonl,
  writeJsonl,
} from 'llm-pack-stream/readers'
import { rowsOf } from '../rows-of.ts'

const read = (json: string): unknown => rowsOf('jsonl', json, { exactNumbers: true })[0]?.record

describe('exactNumbers', () => {
  it.each([
    '12345678901234567890',
    '-12345678901234567890',
    '9007199254740993',
    '1e400',
    '-1E+400',
    '1e-400',
    '0.12345678901234567',
    '12345678.9012345678',
    '1.2345678901234567e10',
    `0.${'0'.repeat(330)}1`,
    `1${'0'.repeat(400)}`,
    `1${'0'.repeat(400)}1`,
    `1e${'9'.repeat(400)}`,
  ])('%s is written unchanged', (number) => {
    for (const make of [(n: string) => n, (n: string) => `{"n":${n}}`, (n: string) => `[1,${n}]`]) {
      const value = read(make(number))
      expect(jsonlLine(value)).toBe(`${make(number)}\n`)
      expect(csvLine({ n: value }, ['n'])).toBe(csvLine({ n: make(number) }, ['n']))
    }
    expect(isExactNumber(read(number))).toBe(true)
    expect(jsonlLine({ big: 1n, n: read(number) })).toBe(`{"big":"1","n":${number}}\n`)
  })

  it.each([
    ['1.10', 1.1],
    ['1e2', 100],
    ['-0', -0],
    ['0.000', 0],
    ['1234567890123456', 1234567890123456],
    ['9007199254740992.00', 9007199254740992],
    ['100000000000000000000000', 1e23],
    ['1.5e300', 1.5e300],
    ['5e-324', 5e-324],
    [String(Number.MAX_VALUE), Number.MAX_VALUE],
    ['0.30000000000000004', 0.30000000000000004],
    ['0e999', 0],
  ])('%s becomes a number', (source, number) => {
    expect(read(source)).toBe(number)
    expect(read(`{"a":{"n":${source}}}`)).toEqual({ a: { n: number } })
  })

  it('is never the default', () => {
    expect(rowsOf('jsonl', '12345678901234567890')[0]?.record).toBe(12345678901234567890)
  })

  it('changes only numbers', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const wrapped = [1e-320, '12345678901234567890', value, { ['__proto__']: value }]
        const json = JSON.stringify(wrapped)
        expect(read(`[1e400,${json}]`)).toEqual([read('1e400'), JSON.parse(json)])
      }),
    )
  })

  it('keeps any number, or makes a number with the same value', () => {
    const number = fc
      .tuple(
        fc.bigInt(),
        fc.option(fc.stringMatching(/^\d{1,25}$/)),
        fc.option(fc.integer({ min: -400, max: 400 })),
      )
      .map(
        ([whole, fraction, exponent]) =>
          `${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`,
      )
    fc.assert(
      fc.property(number, (source) => {
        const value = read(source)
        if (isExactNumber(value)) {
          expect(value.rawJSON).toBe(source)
          return
        }
        expect(sameNumber(source, String(value))).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('works for a text as well', () => {
    expect(JSON.stringify(parseExactly('[1e400,{"a":9007199254740993}]'))).toBe(
      '[1e400,{"a":9007199254740993}]',
    )
    expect(parseExactly('null')).toBe(null)
    expect(() => parseExactly('{"a":')).toThrow(SyntaxError)
    expect(() => parseExactly('['.repeat(1_001) + ']'.repeat(1_001))).toThrow(
      new RangeError('Expected JSON of at most 1000 levels'),
    )
  })

  it('is an option of the readers of bytes', async () => {
    const options = { exactNumbers: true }
    expect(
      await text(Readable.from(['{"id":12345678901234567890}']).pipe(readJsonl(options)).pipe(writeJsonl())),
    ).toBe('{"id":12345678901234567890}\n')
    expect(await text(Readable.from(['[{"id":1e400}]']).pipe(readJson(options)).pipe(writeJsonl()))).toBe(
      '{"id":1e400}\n',
    )
  })

  it('is not an object with columns in an outcome', () => {
    const outcome = { status: 'fulfilled' as const, index: 0, record: read('1e400'), value: read('1e500') }
    expect(jsonlLine(outcomeRow(outcome))).toBe('{"record":1e400,"result":1e500,"_index":0}\n')
  })

  it('needs no more time for many zeros', () => {
    const started = performance.now()
    read(`1${'0'.repeat(1_000_000)}1`)
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})

/** Compares with whole numbers only. */
function sameNumber(one: string, other: string): boolean {
  const [a, b] = [one, other].map((number) => {
    const [mantissa = '', exponent = '0'] = number.split('e')
    const [whole = '', fraction = ''] = mantissa.split('.')
    return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length }
  }) as [{ digits: bigint; exponent: number }, { digits: bigint; exponent: number }]
  const least = Math.min(a.exponent, b.exponent)
  const scaled = ({ digits, exponent }: typeof a) => digits * 10n ** BigInt(exponent - least)
  return scaled(a) === scaled(b)
}
