import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scrub } from '../../src/answer/scrub.ts'

describe("a server's message", () => {
  it.each<[what: string, message: string, secrets: string[], expected: string]>([
    [
      'is kept where it quotes nothing',
      'No such model: m-1',
      ['a secret of some length'],
      'No such model: m-1',
    ],
    ['loses a record', 'Bad: "my blood pressure" here', ['my blood pressure'], 'Bad: "…" here'],
    ['loses a part of a record', 'Bad: blood pressure is', ['and my blood pressure is high'], 'Bad: …'],
    ['loses what it quotes twice', 'a long secret; a long secret!', ['a long secret'], '…; …!'],
    ['loses several', 'first secret, second secret', ['first secret', 'second secret'], '…, …'],
    ['loses overlapping ones once', 'x abcdefghijklmnopqrst y', ['abcdefghijklmn', 'ijklmnopqrst'], 'x … y'],
    ['loses a short secret that stands in it as a whole', 'key k-123!', ['k-123'], 'key …!'],
    [
      'keeps a short part of a long one',
      'The model is busy',
      ['is the model any good at all?'],
      'The model is busy',
    ],
    [
      'loses the key',
      'Incorrect API key: sk-0123456789abcdef',
      ['sk-0123456789abcdef'],
      'Incorrect API key: …',
    ],
    [
      'loses what it breaks into lines',
      'It said: my blood\n   pressure',
      ['my blood pressure'],
      'It said: …',
    ],
    ['loses what the record breaks', 'It said: my blood pressure', ['my\tblood\r\npressure'], 'It said: …'],
    ['is one line', '  a\n\n b\t c ', [], 'a b c'],
    ['loses nothing for an empty secret', 'message', ['', '  ', '\n'], 'message'],
    ['may be nothing', '', ['secret of some length'], ''],
    ['may be all secret', 'all of it is secret', ['all of it is secret'], '…'],
    ['has no pattern in it', 'a.*[dxyz] (c) costs $1', ['.*[dxyz]'], 'a.*[…] (c) costs $1'],
    [
      'keeps what has hardly a letter',
      'a.*[d] (c) --- costs $1',
      ['.*[d]', '---', '!!!!'],
      'a.*[d] (c) --- costs $1',
    ],
    ['loses no more of two letters than their case', 'It is ON', ['ON', 'it'], 'It is ON'],
    ['loses no word that stands in any sentence', 'It is on', ['is', 'on'], 'It is on'],
  ])('%s', (_name, message, secrets, expected) => {
    expect(scrub(message, secrets)).toBe(expected)
  })

  it('is cut if it is long', () => {
    expect(scrub('ab '.repeat(1_000), [])).toHaveLength(500)
  })

  // The function does not search the part that was cut off, so it must recognise the beginning of a
  // quotation alone.
  it('a quotation that is cut is still recognised', () => {
    const message = 'x'.repeat(470) + ' quoted: this is quite private'
    expect(scrub(message, ['this is quite private and long'])).toBe('x'.repeat(470) + ' quoted: …')
  })

  it('may have any length, with secrets of any length', () => {
    const secret = 'ab'.repeat(200_000)
    expect(scrub('ba'.repeat(200_000), [secret, secret, secret])).toBe('…')
  })

  const escapeOf = (character: string): string =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('')
  /** The ways in which a server may write a quotation. */
  const WRITINGS: Record<string, (text: string) => string> = {
    'as it is': (text) => text,
    'in capitals': (text) => text.toUpperCase(),
    'in small letters': (text) => text.toLowerCase(),
    'word by word': (text) => text.replaceAll(' ', '", "'),
    'letter by letter': (text) => Array.from(text).join(' '),
    'without blanks': (text) => text.replaceAll(' ', ''),
    'with an ellipsis of dots': (text) => text.replaceAll(' ', '...'),
    'as JSON': (text) => JSON.stringify(text),
    'as JSON in which all is escaped': (text) => Array.from(text, escapeOf).join(''),
    'as JSON that is ASCII': (text) => text.replace(/[^\x20-\x7e]/g, escapeOf),
    'as a URL': encodeURIComponent,
    'as a form': (text) => new URLSearchParams({ q: text }).toString().slice(2),
    'as a URL in which all is escaped': (text) =>
      Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    'as a byte string of Python': (text) =>
      Array.from(Buffer.from(text), (byte) =>
        byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
      ).join(''),
    'as letters of Latin-1, escaped': (text) =>
      text.replace(/[\x80-\xff]/g, (one) => `\\x${one.charCodeAt(0).toString(16)}`),
    'as HTML': (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;'),
    'as HTML of numbers': (text) => Array.from(text, (one) => `&#${one.codePointAt(0) ?? 0};`).join(''),
    'as HTML of hexadecimal numbers': (text) =>
      Array.from(text, (one) => `&#x${(one.codePointAt(0) ?? 0).toString(16)};`).join(''),
    'in full width': (text) =>
      text.replace(/[!-~]/g, (one) => String.fromCharCode(one.charCodeAt(0) + 0xfee0)),
  }
  const SECRETS = [
    'my blood pressure is 190 over 110',
    'She said: "no & never", twice',
    'sk-proj-0123456789abcdefABCDEF',
    'Größe und Maß, crème brûlée à volonté',
    'Мой адрес: улица Пушкина, дом 5',
    '私の住所は東京都千代田区千代田一番一号です',
    'line one\nline two\tand a tab',
  ]

  it.each(
    Object.keys(WRITINGS).flatMap((writing) =>
      // The upper case of ß has two letters.
      SECRETS.filter((secret) => writing !== 'in capitals' || !secret.includes('ß')).map((secret) => [
        writing,
        secret,
      ]),
    ),
  )('loses a quotation %s: %j', (writing, secret) => {
    const clean = scrub(`Bad: <<${WRITINGS[writing]!(secret)}>> here`, [secret])
    expect(clean).toMatch(/^Bad: <<\W*…\W*>> here$/)
  })

  /** Returns the letters and digits between the marks of a text without escapes. */
  const lettersBetweenMarks = (text: string): string[] =>
    text.split('…').map((part) =>
      part
        .normalize('NFKC')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]/gu, ''),
    )

  it('never keeps ten letters of a secret, with any form of quotation', () => {
    // No character that begins an escape.
    const character = fc.constantFrom(
      ...Array.from('abcdefghijklmnopqrstuvwxyzABCDEFG0123456789 .,-"éüжи漢字'),
    )
    const word = fc.string({ unit: character, minLength: 1, maxLength: 60 })
    const writing = fc.constantFrom(
      ...['as it is', 'word by word', 'as JSON that is ASCII', 'as a URL', 'as a byte string of Python'],
    )
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.array(word, { maxLength: 4 }),
        fc.nat(3),
        writing,
        (secrets, words, at, how) => {
          const quoted = WRITINGS[how]!(secrets[at % secrets.length] ?? '')
          const clean = scrub([...words, quoted, ...words].join(' '), secrets)
          expect(clean.length).toBeLessThanOrEqual(500)
          // The rest of an escape at the cut is not a letter of the text.
          const whole = clean.length < 490 ? clean : clean.slice(0, 490)
          const left = lettersBetweenMarks(whole.replace(/\\u[\da-f]{4}|\\x[\da-f]{2}|(%[\dA-F]{2})+/g, ''))
          for (const secret of secrets.flatMap((one) => lettersBetweenMarks(one))) {
            const size = Math.min(10, secret.length)
            for (let i = 0; size >= 4 && i + size <= secret.length; i++) {
              for (const part of left) expect(part).not.toContain(secret.slice(i, i + size))
            }
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
