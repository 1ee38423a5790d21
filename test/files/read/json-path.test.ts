import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../helpers/properties.ts'
import { readAll, rowsOf, shortOf } from '../rows-of.ts'

const select = (text: string, path: string) => readAll('json', text, { select: path })

describe('`select`', () => {
  const text =
    '{"meta":{"items":"[{\\"no\\":1}]","n":[[1],{"items":[9]}]},\n"data":{"other":{"items":[8]},\n"items":[{"id":1},\n{"id":12345678901234567890}],"next":null},"more":[{"rows":[1,2]},{"rows":[]}]}\n'

  it.each([
    ['data.items', ['3: {"id":1}', '4: {"id":12345678901234567890}']],
    ['data.other.items', ['2: 8']],
    ['meta.n', ['1: [1]', '1: {"items":[9]}']],
    ['more.0.rows', ['4: 1', '4: 2']],
    ['more.1.rows', []],
  ])('%s gives the elements of the array', (path, rows) => {
    expect(shortOf('json', text, { select: path, exactNumbers: true })).toEqual(rows)
    const everywhere = Array.from(text, (_, at) => at)
    expect(shortOf('json', text, { select: path, exactNumbers: true, cuts: everywhere })).toEqual(rows)
  })

  it.each([
    ['items', 'expected an array at "items" (select), but the top level has the keys "meta", "data", "more"'],
    [
      'data.rows',
      'expected an array at "data.rows" (select), but "data" has the keys "other", "items", "next"',
    ],
    ['data', 'expected an array at "data" (select), but "data" has the keys "other", "items", "next"'],
    ['more.rows', 'expected an array at "more.rows" (select), but "more" is an array'],
    ['more.2.rows', 'expected an array at "more.2.rows" (select), but "more" is an array'],
    ['meta.items', 'expected an array at "meta.items" (select), got no array at "meta.items"'],
    ['data.next.items', 'expected an array at "data.next.items" (select), got no array at "data.next"'],
  ])('%s that leads to no array names what is there', (path, message) => {
    const { rows, error } = select(text, path)
    expect(rows).toEqual([])
    expect(error).toMatchObject({ code: 'not_an_array', message: expect.stringContaining(message) as string })
  })

  it.each([
    ['', 'got the end of the file'],
    ['{"data":', 'got the end of the file'],
    ['{"data":[1,2', 'got the end of the file'],
    ['{"data":[1,2]', 'got the end of the file'],
    ['{"data":[1,2],"next":', 'got the end of the file'],
    ['{"data":[1,2]}]', 'something else than JSON'],
    ['{"data":[1,2]}{}', 'something else than JSON'],
    ['{"data":[1,2],next}', 'something else than JSON'],
    ['{x:1,"data":[1,2]}', 'something else than JSON'],
  ])('finds that the document around the array is broken: %s', (broken, message) => {
    for (const cuts of [[], Array.from(broken, (_, at) => at)]) {
      const { rows, error } = readAll('json', broken, { select: 'data', cuts })
      expect(rows.map(({ record }) => record)).toEqual(
        broken.includes('[1,2]') && !broken.includes('{x')
          ? [1, 2]
          : broken.includes('[1,2') && !broken.includes('{x')
            ? [1]
            : [],
      )
      expect(error).toMatchObject({
        code: 'broken_array',
        message: expect.stringContaining(message) as string,
      })
    }
  })

  it('keeps bad elements in their place', () => {
    expect(
      shortOf('json', '{"a":[1,{bad},\n"x","yyyyyyyyyyyyyyyyy",2]}', { select: 'a', maxRecordBytes: 10 }),
    ).toEqual(['1: 1', '1: invalid_json "{bad}"', '2: "x"', '2: too_long nothing', '2: 2'])
  })

  it('finds the array of any document, with every cut', () => {
    // Without a backslash: after an object with the key `\`, V8 reads the key `"` as `\`.
    const key = fc.constantFrom('a', 'b', 'a.b', '[', '"', 'é', '')
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(1, '[', ']}"', null, true),
        tie('object'),
        tie('array'),
      ),
      object: fc
        .array(fc.tuple(key, tie('value')), { maxLength: 3 })
        .map((pairs) => Object.fromEntries(pairs) as object),
      array: fc.array(tie('value'), { maxLength: 3 }),
    }))
    const path = fc.array(fc.constantFrom('x', 'y', 'data'), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        value,
        fc.array(value, { maxLength: 3 }),
        path,
        fc.nat(3),
        (beside, items, keys, indent) => {
          const rows = items.map((one) => one ?? 0)
          const document = keys.reduceRight<unknown>(
            (inner, one) => ({ before: beside, [one]: inner, after: beside }),
            rows,
          )
          const json = JSON.stringify(document, undefined, indent)
          const whole = rowsOf('json', json, { select: keys.join('.') })
          expect(whole.map(({ record }) => record)).toEqual(rows)
          const everywhere = Array.from(Buffer.from(json), (_, at) => at)
          expect(rowsOf('json', json, { select: keys.join('.'), cuts: everywhere })).toEqual(whole)
        },
      ),
      { numRuns: runs(100) },
    )
  })
})

it('a document without `select` names its arrays', () => {
  const text = '{"meta":{"tags":[]},"data":{"items":[[1]]}}'
  expect(() => rowsOf('json', text)).toThrow(
    'f:1: expected a JSON array, got an object. It has arrays at "meta.tags", "data.items". Name one as `select`, such as --select meta.tags. The rest of the file is not read',
  )
})
