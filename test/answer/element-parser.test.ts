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
  const parser = new ElementParser(['label', 'value'])
  const elements: string[] = []
  const at: number[] = []
  let count = 0
  for (const piece of pieces) {
    count += 1
    for (const { text } of parser.write(piece)) {
      elements.push(text)
      at.push(count)
    }
  }
  return { elements, at, failed: parser.failed }
}

function after(pieces: Iterable<string>): ElementParser {
  const parser = new ElementParser(['label', 'value'])
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
    ['a bare word', 'oops'],
    ['a raw newline in a string', '{"id":2,"a":"\n"}'],
    ['a bad escape', String.raw`{"id":2,"a":"\x"}`],
    ['a number with leading zeros and letters', '{"id":02x}'],
    ['NaN', '{"id":NaN}'],
    ['single quotes', `{'id':2}`],
    ['names without quotes', '{id:2,label:null}'],
    ['a comment', '{"id":2, /* "so it is" */ "a":1}'],
    ['quotes that are not escaped', '{"id":2,"a":"the "best" of "all"","b":"5" pipe"}'],
    ['an escaped quote too many', String.raw`{"id":2,"a":"5\"}"}`],
    ['two brackets at its end', '{"id":2,"a":{"b":1}]'],
    ['thoughts', '<think>{"id":2}</think>'],
  ])('%s affects no other element', (_name, bad) => {
    for (const pieces of cuts(answer('{"id":1,"label":"a"}', bad, '{"id":3,"label":"b"}'))) {
      const { elements, failed } = read(pieces)
      expect(elements[0]).toBe('{"id":1,"label":"a"}')
      expect(elements.at(-1)).toBe('{"id":3,"label":"b"}')
      expect(failed).toBe(false)
    }
  })

  it.each([
    [
      'is missing',
      '{"results":[{"id":1,"label":"a"},{"id":2,"label":"b",{"id":3,"label":"c"},{"id":4,"label":"d"}]}',
    ],
    [
      'comes twice',
      '{"results":[{"id":1,"label":"a"},{"id":2,"label":"b"}},{"id":3,"label":"c"},{"id":4,"label":"d"}]}',
    ],
  ])('if the bracket at the end of an element %s, the elements after it stay', (_what, text) => {
    for (const pieces of cuts(text)) {
      const { elements } = read(pieces)
      for (const place of [0, -2, -1]) {
        const found = elements.at(place) ?? ''
        expect(JSON.parse(found)).toMatchObject({ id: place === 0 ? 1 : 5 + place })
      }
    }
  })

  it.each([
    ['prose', 'I cannot say it in JSON.'],
    ['prose with brackets', "See [1] and [the list], {braces}, [{...}], \\[ x \\] and {'id': 1}."],
    ['markup', '<html><body>Sorry</body></html>'],
    ['a thought alone', '<think>{"results":[{"id":1,"label":"a"}]}</think>'],
    ['a thought that is open', '<think>{"results":[{"id":1,"label":"a"}]}'],
  ])('an answer that is only %s has no elements, and has failed', (_name, text) => {
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

describe('an answer in another form', () => {
  const [first, second] = [
    '{"id":1,"label":"]}\\"{"}',
    '{"id":"2","label":{"id":9,"label":"nested"}}',
  ] as const
  const both = `${first},${second}`
  const asked = `{"results":[${both}]}`

  it.each([
    ['a fence', `\`\`\`json\n${asked}\n\`\`\``],
    ['a fence around a list', `\`\`\`\n[\n  ${both}\n]\n\`\`\``],
    ['prose before it', `Sure! Here are the [2] results for {all} of "them":\n\n${asked}`],
    ['prose with an open quote before it', `In a {"result I say:\n${asked}`],
    ['prose after it', `${asked}\n\nI hope that [this] helps: {"note": 1}`],
    ['a thought before it', `<think>Perhaps {"results":[{"id":1,"label":"draft"}]}?</think>\n${asked}`],
    ['a thought in other words', `<Thinking>[{"id":1,"label":"draft"}]</Thinking>${asked}`],
    ['a thought with brackets', `<think>} ] { [ {"a": "</think>${asked}`],
    ['a thought after it', `${asked}<think>{"id":1,"label":"draft"}`],
    ['less-than signs before it', `1 <2 <<think <thin> ${asked}`],
    ['a bare list', `[${both}]`],
    ['lists on lines', `[${first}]\n[${second}]`],
    ['one object on a line', `${first}\n${second}\n`],
    ['objects in prose', `1. ${first}, and\n2. ${second}.`],
    ['a list of the asked objects', `[{"results":[${first}]},{"results":[${second}]}]`],
    ['the asked object several times', `{"results":[${first}]}{"results":[${second}]}`],
    ['another key', `{"items":[${both}]}`],
    ['another key after scalars', `{"count":2,"ok":true,"items":[${both}],"results":"none"}`],
    ['an object around it', `{"data":{"results":[${both}]}}`],
    ['an object around a bare list', `{"data":{"items":[${both}]}}`],
    ['several keys', `{"a":[${first}],"b":[${second}]}`],
    ['objects under keys', `{"first":${first},"second":${second}}`],
    ['keys around it', `{"thoughts":[{"id":1,"why":"so"}],"results":[${both}],"notes":[{"id":2}]}`],
  ])('%s: each element is found, as soon as it closes', (_name, text) => {
    for (const pieces of cuts(text)) {
      const { elements, failed } = read(pieces)
      expect(elements).toEqual([first, second])
      expect(failed).toBe(false)
    }
    const parser = after([text])
    expect(parser.isWrapped).toBe(true)
    expect(parser.isWhole).toBe(!text.endsWith('"draft"}'))
    // Objects under keys may be parts of an element, as long as the object around them is open.
    if (_name === 'objects under keys') return
    const { at } = read(units(text))
    const end = text.lastIndexOf(second) + second.length
    expect(at).toEqual([text.lastIndexOf(first) + first.length, end])
  })

  it.each([
    ['in the asked list', `{"results":[{"label":"a","more":[{"id":3,"label":"b"}],"id":1}]}`],
    ['in the asked list, before its id', `{"results":[{"more":{"id":3,"label":"b"},"id":1,"label":"a"}]}`],
    ['in a list', `[{"more":[{"id":3,"label":"b"}],"id":1,"label":"a"}]`],
    ['under another key', `{"items":[{"more":{"id":3,"label":"b"},"id":1,"label":"a"}]}`],
    ['on a line', `{"id":1,"more":[{"id":3,"label":"b"}],"label":"a"}`],
    ['on a line, after a result', `{"label":"a","more":{"id":3,"label":"b"},"id":1}`],
    ['in a result', `{"label":{"id":3,"label":"b"},"id":1}`],
    ['in a list of a result', `{"label":[{"id":3,"label":"b"}],"id":1}`],
    ['below a key `results`', `{"id":1,"results":[{"id":3,"label":"b"}],"label":"a"}`],
  ])('an object with an id inside an element is no element: %s', (_name, text) => {
    for (const pieces of cuts(text)) {
      const ids = read(pieces).elements.map((element) => (JSON.parse(element) as { id: unknown }).id)
      expect(ids).toEqual([1])
    }
  })

  it('an object that holds an object is no element, and neither is the object in an element', () => {
    expect(read(['{"more":{"id":3,"label":"b"},"id":1,"label":"a"}']).elements).toEqual([])
  })

  it.each([
    ['without a result', '{"id":1,"name":"x"}'],
    ['without an id', '{"label":"x"}'],
    ['of an API', '{"id":"chatcmpl-1","object":"chat.completion","choices":[]}'],
    ['too deep', '{"a":{"b":{"c":[{"id":1,"label":"a"}]}}}'],
  ])('outside of the asked list, an object %s is no element', (_name, text) => {
    for (const pieces of cuts(text)) expect(read(pieces).elements).toEqual([])
    expect(after([text])).toMatchObject({ isWrapped: false, failed: false, isWhole: true })
  })

  it('only an id makes an element if a result has no properties', () => {
    const parser = new ElementParser([])
    expect(parser.write('[{"id":1},{"a":2}]')).toEqual([{ text: '{"id":1}', ids: 1 }])
  })

  it('the asked form is not wrapped, whatever its elements hold', () => {
    for (const text of [asked, `\uFEFF \n${asked}\n `, '{ "results" : [ ] }', answer('1', '[]', 'oops')]) {
      expect(after([text]).isWrapped).toBe(false)
    }
  })

  it.each([
    ['{"id":1,"id":2,"label":"a"}', 2],
    [String.raw`{"id":1,"\u0069d":2,"label":"a"}`, 2],
    ['{"id":1,"label":{"id":3,"more":{"id":4}}}', 1],
    ['{"label":"id","id":1,"other":["id","id"]}', 1],
    ['{"label":"a"}', 0],
  ])('its own ids are counted: %s', (text, ids) => {
    expect(after([]).write(answer(text))).toEqual([{ text, ids }])
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
    expect(after(['{"quotes" and']).isWhole).toBe(false)
    expect(after([`${text} That is all.`]).isWhole).toBe(true)
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
