import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ElementParser } from '../../src/answer/element-parser.ts'
import { runs } from '../helpers/properties.ts'

interface Read {
  readonly elements: string[]
  /** Number of pieces that had been written when each element came. */
  readonly at: number[]
  readonly failed: boolean
}

function read(pieces: Iterable<string>): Read {
  const parser = new ElementParser()
  const elements: string[] = []
  const at: number[] = []
  let count = 0
  for (const piece of pieces) {
    count += 1
    for (const text of parser.write(piece)) {
      elements.push(text)
      at.push(count)
    }
  }
  return { elements, at, failed: parser.failed }
}

function after(pieces: Iterable<string>): ElementParser {
  const parser = new ElementParser()
  for (const piece of pieces) parser.write(piece)
  return parser
}

/** The text in pieces that end at the given places. */
function cut(text: string, places: readonly number[]): string[] {
  const ends = [...places, text.length].sort((a, b) => a - b)
  return ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end))
}

const units = (text: string): string[] => text.split('')

/**
 * All ways of cutting an answer in the tests: not at all, after each unit, and in two at each
 * place.
 */
function* cuts(text: string): Generator<string[]> {
  yield [text]
  yield units(text)
  for (let place = 0; place <= text.length; place++) yield cut(text, [place])
  for (let place = 0; place <= text.length; place++)
    yield cut(text, [place, place, Math.min(place + 2, text.length)])
}

const answer = (...elements: string[]): string => `{"results":[${elements.join(',')}]}`

describe('an answer has the same elements with every cut', () => {
  const texts: [name: string, elements: string[]][] = [
    ['plain', ['{"id":1,"label":"a"}', '{"id":2,"label":"b"}']],
    ['escapes', [String.raw`{"id":1,"a":"\u00e9\n\t\"\\\/\b\f\r"}`, '{"id":2}']],
    ['an escaped surrogate pair', [String.raw`{"id":1,"a":"\ud83d\ude00"}`, '{"id":2}']],
    ['a lone escaped high surrogate', [String.raw`{"id":1,"a":"\ud83d"}`, '{"id":2}']],
    ['a lone escaped low surrogate', [String.raw`{"id":1,"a":"\ude00x"}`, '{"id":2}']],
    ['lone escaped surrogates in a row', [String.raw`{"id":1,"a":"\ud83d\ud83d\ude00\ude00"}`, '{"id":2}']],
    ['an escaped high half before a letter', [String.raw`{"id":1,"a":"\ud83dé"}`, '{"id":2}']],
    ['an escaped high half before an escape', [String.raw`{"id":1,"a":"\ud83d\n\ud83d\u00e9"}`, '{"id":2}']],
    ['surrogates in a key', [String.raw`{"id":1,"\ud83d":1,"\ude00":[2]}`, '{"id":2}']],
    ['characters of two, three and four bytes', ['{"id":1,"é漢😀":"é漢😀é漢😀"}', '{"id":2,"a":"漢字"}']],
    ['a zero character', [String.raw`{"id":1,"a":"\u0000"}`, '{"id":2}']],
    ['line separators', ['{"id":1,"a":"\u2028\u2029\uFEFF"}', '{"id":2}']],
    ['numbers', ['{"id":1,"a":[0,-0,-1.5,1e5,1E-7,1.25e+10,12345678901234567890]}', '{"id":2,"a":-0.0}']],
    ['literals', ['{"id":1,"a":true,"b":false,"c":null,"d":[true,false,null]}', '{"id":2}']],
    ['brackets in strings', ['{"id":1,"a":"]}],{[\\"}"}', '{"id":2,"{":"["}']],
    ['__proto__ keys', ['{"id":1,"__proto__":{"id":9},"constructor":1}', '{"__proto__":null,"id":2}']],
    ['a key named results', ['{"id":1,"results":[{"id":9},{"id":8}]}', '{"id":2,"results":{"results":[]}}']],
    ['nested lists', ['{"id":1,"a":[[[]],[{}],[[{"b":[]}]]]}', '{"id":2}']],
    ['whitespace', ['{ "id" :\t1 ,\r\n "a" : [ 1 , 2 ] }', '{\n}']],
    ['repeated keys', ['{"id":1,"id":2}', '{"id":2}']],
    ['lists', ['[1,[2]]', '[]', '{"id":1}']],
    ['scalars', ['1', '"a"', 'null', 'true', 'false', '-2.5', '{"id":1}', '0']],
  ]

  it.each(texts)('%s', (_name, elements) => {
    const text = answer(...elements)
    expect(JSON.parse(text)).toEqual({ results: elements.map((element) => JSON.parse(element) as unknown) })
    for (const pieces of cuts(text)) expect(read(pieces)).toMatchObject({ elements, failed: false })
  })

  it.each([
    ['a byte order mark before it', `\uFEFF${answer('{"id":1,"a":"é"}', '{"id":2}')}`],
    ['whitespace around everything', ' \r\n{ "results" \n : [ {"id":1,"a":"é"} \n, \t{"id":2} ] } \n'],
    [
      'keys before and after',
      '{"a":[{"id":9}],"b":{"results":[1]},"results":[{"id":1,"a":"é"},{"id":2}],"c":[{"id":8}]}',
    ],
    [
      'a key `results` whose value is a string before it',
      '{"x":"results","results":[{"id":1,"a":"é"},{"id":2}]}',
    ],
    ['the key written with escapes', String.raw`{"\u0072esults":[{"id":1,"a":"é"},{"id":2}]}`],
  ])('with %s', (_name, text) => {
    for (const pieces of cuts(text)) {
      expect(read(pieces)).toMatchObject({ elements: ['{"id":1,"a":"é"}', '{"id":2}'], failed: false })
    }
  })

  it.each([
    ['an empty list', '{"results":[]}'],
    ['no results', '{"result":[{"id":1}]}'],
    ['an object for results', '{"results":{"id":1,"a":[{"id":2}]}}'],
    ['results deeper down', '{"a":{"results":[{"id":1}]},"b":[{"results":[{"id":2}]}]}'],
    ['results as a string', '{"a":"results","b":[{"id":1}]}'],
    ['a bare list', '[{"id":1}]'],
    ['a list that only names it', '["results",[{"id":1}]]'],
    ['nothing', ''],
  ])('%s has no elements', (_name, text) => {
    for (const pieces of cuts(text)) expect(read(pieces)).toMatchObject({ elements: [], failed: false })
  })
})

describe('an answer that does not have the requested form', () => {
  it.each([
    ['a missing comma', '{"id":1 "a":2}'],
    ['two commas', '{"id":1,,"a":2}'],
    ['a missing value', '{"id":}'],
    ['a number as a key', '{1:2}'],
    ['a trailing comma', '{"id":1,}'],
    ['brackets that do not match', '{"id":1]'],
  ])('an element with %s does not affect other elements', (_name, bad) => {
    const elements = ['{"id":1}', bad, '{"id":3,"a":"é"}']
    for (const pieces of cuts(answer(...elements)))
      expect(read(pieces)).toMatchObject({ elements, failed: false })
  })

  it.each([
    ['a bare word', '{"results":[{"id":1},{"id":2},oops,{"id":3}]}'],
    ['a raw newline in a string', '{"results":[{"id":1},{"id":2},{"id":3,"a":"\n"}]}'],
    ['a bad escape', String.raw`{"results":[{"id":1},{"id":2},{"id":3,"a":"\x"},{"id":4}]}`],
    ['a number with leading zeros and letters', '{"results":[{"id":1},{"id":2},{"id":01x}]}'],
    ['NaN', '{"results":[{"id":1},{"id":2},{"id":NaN}]}'],
    ['single quotes', `{"results":[{"id":1},{"id":2},{'id':3}]}`],
    ['prose after the list', '{"results":[{"id":1},{"id":2}] Those were all.'],
    ['a closed fence', '{"results":[{"id":1},{"id":2}]}\n```'],
  ])('with %s, elements that closed before it stay, and no later element is read', (_name, text) => {
    for (const pieces of cuts(text)) {
      const parser = new ElementParser()
      const elements = pieces.flatMap((piece) => parser.write(piece))
      expect(elements).toEqual(['{"id":1}', '{"id":2}'])
      expect(parser.failed).toBe(true)
      expect(parser.write('{"results":[{"id":7}]}')).toEqual([])
      expect(parser.failed).toBe(true)
    }
  })

  it.each([
    ['a fence', '```json\n{"results":[{"id":1}]}\n```'],
    ['prose', 'Sure! {"results":[{"id":1}]}'],
    ['markup', '<html>'],
  ])('an answer that begins with %s has failed from there', (_name, text) => {
    for (const pieces of cuts(text)) expect(read(pieces)).toMatchObject({ elements: [], failed: true })
  })

  it('an answer that begins with two byte order marks gives no shifted text', () => {
    for (const pieces of cuts(`\uFEFF\uFEFF${answer('{"id":1}', '{"id":2}')}`)) {
      const { elements, failed } = read(pieces)
      if (!failed) expect(elements).toEqual(['{"id":1}', '{"id":2}'])
      else expect(elements).toEqual([])
    }
  })

  it('an answer that breaks off anywhere has every closed element, and has not failed', () => {
    const elements = [String.raw`{"id":1,"a":"\ud83d\ude00😀"}`, '{"id":2,"b":[{},[1.5e3]]}', '{"id":3}']
    const text = answer(...elements)
    for (let end = 0; end <= text.length; end++) {
      const closed = elements.filter((element) => text.indexOf(element) + element.length <= end)
      expect(read([text.slice(0, end)])).toMatchObject({ elements: closed, failed: false })
      expect(read(units(text.slice(0, end)))).toMatchObject({ elements: closed, failed: false })
    }
  })
})

describe('an answer that ends', () => {
  const text = '{"results":[{"id":1,"a":"]}"},{"id":2}]}'

  it('is complete at its last bracket, and not before', () => {
    for (let end = 1; end < text.length; end++) {
      for (const pieces of cuts(text.slice(0, end))) expect(after(pieces).isWhole).toBe(false)
    }
    for (const pieces of cuts(text)) expect(after(pieces).isWhole).toBe(true)
    expect(after([`${text} \n`]).isWhole).toBe(true)
  })

  it('is complete if it never began, so it does not count as cut', () => {
    expect(after([]).isWhole).toBe(true)
    expect(after(['', '  \n']).isWhole).toBe(true)
  })

  it('is not complete if it is not JSON', () => {
    expect(after(['Sorry']).isWhole).toBe(false)
    expect(after([`${text} That is all.`]).isWhole).toBe(false)
  })
})

describe('an empty answer', () => {
  it.each([
    ['nothing', [], true],
    ['empty pieces', ['', ''], true],
    ['a byte order mark', ['\uFEFF'], true],
    ['a bracket', ['{'], false],
    ['what is not JSON', ['', 'x'], false],
  ])('%s', (_name, pieces, isEmpty) => {
    expect(after(pieces).isEmpty).toBe(isEmpty)
  })
})

describe('an answer that goes on with only whitespace', () => {
  /** One character more than `outside` and `inside` is too many. */
  const OUTSIDE = 500
  const INSIDE = 5_000

  it.each<[where: string, before: string, blank: string, most: number]>([
    ['before the JSON', '', ' ', OUTSIDE],
    ['after a bracket', '{"results":[', '\n', OUTSIDE],
    ['after a comma in an element', '{"results":[{"id":1,', '\t', OUTSIDE],
    ['after a key', '{"results":[{"id"', ' ', OUTSIDE],
    ['after a colon', '{"results":[{"id":', '\r', OUTSIDE],
    ['after the end', answer('{"id":1}'), ' ', OUTSIDE],
    ['whatever whitespace stands before', `{ "results" :${' '.repeat(400)}[ {"id":1}`, '\n', OUTSIDE],
    ['after a string that ends with a backslash', String.raw`{"results":[{"a":"\\"`, ' ', OUTSIDE],
    ['after a string full of blanks', `{"results":[{"a":"${' '.repeat(4_000)}"`, ' ', OUTSIDE],
    ['in a string', '{"results":[{"a":"', ' ', INSIDE],
    ['in a string that has begun', '{"results":[{"a":"text', ' ', INSIDE],
    ['in a key', '{"results":[{"', ' ', INSIDE],
    ['after blanks before the string', `{"results":[{"a":${' '.repeat(400)}"`, ' ', INSIDE],
    ['after an escaped quote', String.raw`{"results":[{"a":"\"`, ' ', INSIDE],
    ['after an escaped backslash and quote', String.raw`{"results":[{"a":"\\\"`, ' ', INSIDE],
    ['after an escaped backslash', String.raw`{"results":[{"a":"\\`, ' ', INSIDE],
    // Each has two characters in the written text.
    ['escaped line breaks', '{"results":[{"a":"', String.raw`\n`, INSIDE],
    ['escaped returns and breaks', '{"results":[{"a":"', String.raw`\r\n`, INSIDE],
    ['escaped tabs and blanks', '{"results":[{"a":"', String.raw`\t  `, INSIDE],
  ])('%s', (_name, before, blank, most) => {
    const blanks = blank.repeat(most / blank.length)
    const next = blank.slice(0, 1)
    const text = before + blanks + next
    const splits = [0, 1, 2, 255, 501].map((back) => text.length - 1 - back).filter((place) => place >= 0)
    for (const enough of [[before, blanks], units(before + blanks)]) {
      const parser = after(enough)
      expect(parser.isBlank).toBe(false)
      parser.write(next)
      expect(parser.isBlank).toBe(true)
    }
    for (const place of splits) expect(after(cut(text, [place])).isBlank).toBe(true)
    expect(after([text]).isBlank).toBe(true)
  })

  it.each<[what: string, text: string]>([
    ['nothing', ''],
    ['indented JSON', `{"results":[\n${`${' '.repeat(499)}{"id":1},`.repeat(20)}`],
    ['a closing bracket after blanks', `{"results":[${' '.repeat(600)}]`],
    ['a letter after blanks in a string', `{"results":[{"a":"${' '.repeat(6_000)}x`],
    ['the end of a string of blanks', `{"results":[{"a":"${' '.repeat(6_000)}"`],
    ['escaped quotes', `{"results":[{"a":"${String.raw`\"`.repeat(6_000)}`],
    ['escaped backslashes', `{"results":[{"a":"${String.raw`\\`.repeat(6_000)}`],
    ['escaped letters', `{"results":[{"a":"${String.raw`\u0041`.repeat(6_000)}`],
    ['letters n, r and t', `{"results":[{"a":"${'nrt'.repeat(6_000)}`],
    ['backslashes before n', `{"results":[{"a":"${String.raw`\\n`.repeat(6_000)}`],
    ['a table in a string', `{"results":[{"a":"${`|${' '.repeat(4_000)}`.repeat(20)}`],
  ])('%s does not count as endless', (_name, text) => {
    for (const pieces of [[text], units(text)]) expect(after(pieces).isBlank).toBe(false)
  })
})

/**
 * Writes the JSON of a value with random whitespace between its tokens, and random escapes in its
 * strings.
 */
const formatted = fc
  .tuple(
    fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
    fc.array(fc.constantFrom('', ' ', '\n', '\t', '\r\n '), { minLength: 1 }),
    fc.boolean(),
  )
  .map(([value, spaces, escaped]) => {
    let count = 0
    const text = JSON.stringify(value).replace(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/gs, (token) => {
      count += 1
      const shown = escaped && token.startsWith('"') ? escapeAll(token) : token
      return `${shown}${spaces[count % spaces.length] ?? ''}`
    })
    return text.trim()
  })

function escapeAll(json: string): string {
  const text = JSON.parse(json) as string
  return `"${Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
}

describe('for any values', () => {
  const objects = fc.array(
    fc.tuple(formatted, fc.integer({ min: 1, max: 30 })).map(([text, id]) => `{"id":${id},"value":${text}}`),
    { minLength: 1, maxLength: 6 },
  )
  const places = fc.array(fc.nat())
  const spread = (text: string, at: readonly number[]): string[] =>
    cut(
      text,
      at.map((place) => place % (text.length + 1)),
    )

  it('each element comes once, with its own text, with every cut of the answer', () => {
    fc.assert(
      fc.property(objects, places, (elements, at) => {
        const text = answer(...elements)
        const values = (JSON.parse(text) as { results: unknown[] }).results
        for (const pieces of [[text], units(text), spread(text, at)]) {
          const { elements: got, failed } = read(pieces)
          expect(failed).toBe(false)
          expect(got).toEqual(elements)
          expect(got.map((element) => JSON.parse(element) as unknown)).toEqual(values)
        }
      }),
      { numRuns: runs(300) },
    )
  })

  it('each element comes from the write that held its closing brace', () => {
    fc.assert(
      fc.property(objects, places, (elements, at) => {
        const head = '{"results":['
        const pieces = spread(answer(...elements), at)
        let written = 0
        const lengths = pieces.map((piece) => (written += piece.length))
        let end = head.length - 1
        const expected = elements.map((element) => {
          end += element.length + 1
          return lengths.findIndex((length) => length >= end) + 1
        })
        expect(read(pieces).at).toEqual(expected)
      }),
      { numRuns: runs(300) },
    )
  })

  it('no text makes it throw, or return an element that is not in the text', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('{"results":[', '{', '}', '[', ']', ',', ':', '"id"', '1', '"', '\\'),
      ),
    )
    fc.assert(
      fc.property(pieces, (texts) => {
        const { elements } = read(texts)
        const all = Buffer.from(texts.join('')).toString()
        for (const element of elements) if (element.startsWith('{')) expect(all).toContain(element)
      }),
      { numRuns: runs(300) },
    )
  })
})

describe('work grows only with the length of the answer', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  /** Counts the characters that the parser copies out of its buffers while it reads. */
  function copied(pieces: Iterable<string>): number {
    const spy = vi.spyOn(Buffer.prototype, 'toString')
    const { elements } = read(pieces)
    const characters = spy.mock.results.reduce((sum, { value }) => sum + (value as string).length, 0)
    spy.mockRestore()
    expect(elements.length).toBeGreaterThan(0)
    return characters
  }

  const element = (id: number): string => JSON.stringify({ id, label: 'a label', tags: ['one', 'two'] })
  const many = (count: number): string => answer(...Array.from({ length: count }, (_, i) => element(i + 1)))

  it.each([
    ['many small elements in one piece', (size: number) => [many(size)]],
    ['many small elements, unit by unit', (size: number) => units(many(size))],
    [
      'one large element, unit by unit',
      (size: number) => units(answer(JSON.stringify({ id: 1, a: 'x'.repeat(size * 50) }))),
    ],
    [
      'one element of many parts, unit by unit',
      (size: number) =>
        units(answer(JSON.stringify({ id: 1, a: Array.from({ length: size * 10 }, (_, i) => i) }))),
    ],
  ])('%s: no character is copied twice', (_name, pieces) => {
    for (const size of [20, 200, 2_000]) {
      const all = pieces(size)
      const length = all.reduce((sum, piece) => sum + piece.length, 0)
      expect(copied(all)).toBeLessThanOrEqual(length)
    }
  })
})
