import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { idAt } from '../../src/request/ids.ts'
import { frame, systemMessage, unusedTag, userMessage } from '../../src/request/prompt.ts'
import { resultFormat } from '../../src/request/result-format.ts'
import { runs } from '../helpers/properties.ts'

/** Reads a user message by its own announcement of count and tag. */
function recordsIn(message: string): { id: number; text: string }[] {
  const [, count, tag] = /^(\d+) records in <([\w-]+)> tags:\n/.exec(message) ?? []
  if (count === undefined || tag === undefined) throw new Error('The message does not say what it holds')
  const body = message.slice(message.indexOf('\n') + 1)
  const parts = body.split(`</${tag}>\n`)
  expect(parts.pop()).toBe('')
  const records = parts.map((part) => {
    const opening = new RegExp(`^<${tag} id="(\\d+)">`).exec(part)
    if (!opening) throw new Error(`No opening tag at ${part}`)
    return { id: Number(opening[1]), text: part.slice(opening[0].length) }
  })
  expect(records).toHaveLength(Number(count))
  return records
}

/** Whether a part of the text could be read as this tag, opening or closing, in any spelling. */
const holdsTag = (text: string, tag: string): boolean => new RegExp(`<[\\s/]*${tag}(?![\\d])`, 'i').test(text)

describe('the tag', () => {
  it('is `record` if no text holds a similar tag', () => {
    expect(unusedTag([])).toBe('record')
    expect(
      unusedTag(['record', 'a < b', '<p>', '</p>', '< rec ord', '&lt;record&gt;', '<records'.slice(0, 4)]),
    ).toBe('record')
  })

  it.each([
    '<record',
    '<record>',
    '<record id="1">',
    '</record>',
    '</record >',
    '< / RECORD',
    '<\n/\trecord\n>',
    '</ReCoRd>',
    '<//record>',
    '<record-1',
    '</record-1>',
    '< /RECORD-1 >',
    '<record-1 <record-2 <record-3',
    '<record-007>',
    '<record-12 id="1">',
    '<records>',
    '<record-',
    '<record-x',
    '<\u00a0record>',
    '<\u2003/\u3000record>',
  ])('is another tag if a text holds %j', (text) => {
    const tag = unusedTag(['harmless', text])
    expect(tag).toMatch(/^record-\d+$/)
    expect(holdsTag(text, tag)).toBe(false)
  })

  it.each<[what: string, text: string, tag: string]>([
    ['a zero-width space', '</rec\u200bord>', 'record-1'],
    ['a zero-width joiner', '<\u200drecord', 'record-1'],
    ['a soft hyphen', '<rec\u00adord>', 'record-1'],
    ['a byte order mark', '</\ufeffrecord>', 'record-1'],
    ['a combining grapheme joiner', '</re\u034fcord>', 'record-1'],
    ['a variation selector', '</re\ufe0fcord>', 'record-1'],
    ['a variation selector of another plane', '</re\u{e0101}cord>', 'record-1'],
    ['a tag character', '</re\u{e0041}cord>', 'record-1'],
    ['a Hangul filler', '</re\u115fcord>', 'record-1'],
    ['a word joiner', '</record\u2060-1>', 'record-2'],
    ['a direction mark', '</re\u202ecord>', 'record-1'],
    ['a null character', '</re\0cord>', 'record-1'],
    ['a control character', '</re\x1bcord>', 'record-1'],
    ['a delete', '</re\x7fcord>', 'record-1'],
    ['a control character beyond ASCII', '</re\x85cord>', 'record-1'],
    ['full-width letters', '</\uff52ecord>', 'record-1'],
    ['full-width brackets', '\uff1c\uff0frecord\uff1e', 'record-1'],
    ['mathematical letters', '</\u{1d42b}ecord>', 'record-1'],
    ['a full-width hyphen', '</record\uff0d1>', 'record-2'],
    ['a Unicode hyphen', '</record\u20101>', 'record-2'],
    ['a non-breaking hyphen', '</record\u20111>', 'record-2'],
    ['a dash', '</record\u20131>', 'record-2'],
    ['a long dash', '</record \u2014 1>', 'record-2'],
    ['full-width digits', '</record-\uff11>', 'record-2'],
    ['Cyrillic letters', '</\u0433\u0435\u0441\u043erd>', 'record-1'],
    ['capital Cyrillic letters', '</R\u0415\u0421\u041eRD>', 'record-1'],
    ['a Cyrillic d', '</recor\u0501>', 'record-1'],
    ['Greek letters', '</r\u03b5c\u03bfrd>', 'record-1'],
    ['a Greek c', '</re\u03f2ord>', 'record-1'],
    ['combining marks', '</re\u0301co\u0308rd>', 'record-1'],
    ['letters with accents', '</r\u00e9c\u00f6rd>', 'record-1'],
    ['small capitals', '</\u0280\u1d07\u1d04\u1d0f\u0280\u1d05>', 'record-1'],
    ['double angle quotation marks', '\u00ab/record\u00bb', 'record-1'],
    ['double angle brackets', '\u300a/record\u300b', 'record-1'],
    ['a slash that is escaped', '<\\/record>', 'record-1'],
    ['single angle quotation marks', '\u2039/record\u203a', 'record-1'],
    ['angle brackets of mathematics', '\u27e8record\u27e9', 'record-1'],
    ['another slash', '<\u29f8record>', 'record-1'],
    ['blanks inside the tag', '<\n\t\rrecord\t1', 'record-2'],
  ])('is another tag if a text holds a tag with %s', (_what, text, tag) => {
    expect(unusedTag(['harmless', text])).toBe(tag)
    expect(unusedTag([text, '<record'])).toBe(tag)
  })

  it('takes the first free number', () => {
    expect(unusedTag(['</record-1>', '<record-3', 'record-2'])).toBe('record-2')
  })

  it.each([
    ['200,000 opening brackets', '<'.repeat(200_000), 'record'],
    ['200,000 spaces after a bracket', `<${' '.repeat(200_000)}`, 'record'],
    ['200,000 brackets and slashes', '</'.repeat(100_000), 'record'],
    ['a bracket and a space 100,000 times', '< '.repeat(100_000), 'record'],
    [
      '20,000 numbered tags',
      Array.from({ length: 20_000 }, (_, i) => `<record-${i + 1}`).join(''),
      'record-20001',
    ],
    ['a number of 100,000 digits', `<record-${'1'.repeat(100_000)}`, 'record-1'],
    ['200,000 invisible characters', `<${'\u200b'.repeat(200_000)}record`, 'record-1'],
    // A quadratic search would need longer than a test may take.
  ])('is found in %s', (_name, text, tag) => {
    expect(unusedTag([text])).toBe(tag)
  })
})

describe('the user message', () => {
  it('says how many records it holds, and puts each record into a tag with its id', () => {
    expect(userMessage(['a', 'b\nc'], 0)).toBe(
      `2 records in <record> tags:\n<record id="${idAt(0)}">a</record>\n<record id="${idAt(1)}">b\nc</record>\n`,
    )
  })

  it('gives its records the ids after those of the examples', () => {
    expect(recordsIn(userMessage(['a', 'b'], 3))).toEqual([
      { id: idAt(3), text: 'a' },
      { id: idAt(4), text: 'b' },
    ])
  })

  it('holds the same frames that the token count of a record includes', () => {
    expect(userMessage(['a', 'b'], 0)).toContain(frame('a', idAt(0)) + frame('b', idAt(1)))
  })

  it('holds any records exactly, if it is read by its announced tag', () => {
    const piece = fc.constantFrom(
      ...[
        '<',
        '</',
        '>',
        '/',
        ' ',
        '\n',
        '\t',
        'record',
        'RECORD',
        'Record',
        'rec',
        'ord',
        '-',
        '1',
        '2',
        '12',
        '01',
      ],
      ...[
        '<record',
        '</record>',
        '</record>\n',
        '<record id="1">',
        '<record-1',
        '</record-1>\n',
        '<record-2 id="2">',
      ],
      ...[' id="3">', '\u00a0', '\ufeff', 'é', '😀', '\ud83d'],
    )
    const hostile = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
    const texts = fc.array(fc.oneof({ weight: 5, arbitrary: hostile }, fc.string({ unit: 'binary' })), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(texts, (all) => {
        expect(recordsIn(userMessage(all, 0))).toEqual(all.map((text, i) => ({ id: idAt(i), text })))
        const tag = unusedTag(all)
        for (const text of all) expect(holdsTag(text, tag)).toBe(false)
      }),
      { numRuns: runs(1_000) },
    )
  })
})

describe('the system message', () => {
  const flat = resultFormat(z.object({ label: z.string() }))
  const bare = resultFormat(z.string())

  it('begins with the instructions', () => {
    expect(systemMessage('Do this.', flat, [])).toMatch(/^Do this\.\n\n/)
  })

  it('says where the result is', () => {
    expect(systemMessage('', flat, [])).toContain('the properties of its result')
    expect(systemMessage('', bare, [])).toContain('its result as "value"')
  })

  it('names no tag and no count, so that it is the same for every pack', () => {
    const message = systemMessage('Do this.', flat, [])
    expect(message).not.toMatch(/<record|\d/)
  })

  it('shows examples as one user message and its answer, with matching ids', () => {
    const message = systemMessage('', flat, [
      { text: 'first', value: { label: 'a' } },
      { text: 'second', value: { label: 'b' } },
    ])
    expect(message).toContain(userMessage(['first', 'second'], 0))
    expect(message).toContain(`{"results":[{"id":${idAt(0)},"label":"a"},{"id":${idAt(1)},"label":"b"}]}`)
  })

  it('shows a result that is not an object under `value`', () => {
    expect(systemMessage('', bare, [{ text: 'first', value: 'a' }])).toContain(
      `{"results":[{"id":${idAt(0)},"value":"a"}]}`,
    )
  })

  it('uses another tag if an example holds a tag', () => {
    const text = '</record>\n<record id="2">'
    const message = systemMessage('', bare, [{ text, value: 'a' }])
    expect(message).toContain(userMessage([text], 0))
    expect(recordsIn(userMessage([text], 0))).toEqual([{ id: idAt(0), text }])
  })
})
