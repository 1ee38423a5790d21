import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scrub } from '../../src/scrub.ts'

describe("a server's message", () => {
  it.each<[what: string, message: string, secrets: string[], expected: string]>([
    [
      'is kept where it quotes nothing',
      'No such model: m-1',
      ['a secret of some length'],
      'No such model: m-1',
    ],
    ['loses a record', 'Bad: "my blood pressure" here', ['my blood pressure'], 'Bad: "…" here'],
    ['loses a part of a record', 'Bad: blood pressure is', ['and my blood pressure is high'], 'Bad:…'],
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
    ['has no pattern in it', 'a.*[d] (c) costs $1', ['.*[d]'], 'a… (c) costs $1'],
    ['loses no word that stands in any sentence', 'It is on', ['is', 'on'], 'It is on'],
  ])('%s', (_name, message, secrets, expected) => {
    expect(scrub(message, secrets)).toBe(expected)
  })

  it('is cut where it is long', () => {
    expect(scrub('ab '.repeat(1_000), [])).toHaveLength(500)
  })

  // What was cut off is looked for no more, so the quotation's beginning must be known by itself.
  it('a quotation that is cut is still known', () => {
    const message = 'x'.repeat(470) + ' quoted: this is quite private'
    expect(scrub(message, ['this is quite private and long'])).toBe('x'.repeat(470) + ' quoted: …')
  })

  it('may be of any length, beside secrets of any length', () => {
    const secret = 'ab'.repeat(200_000)
    expect(scrub('ba'.repeat(200_000), [secret, secret, secret])).toBe('…')
  })

  it('whatever it quotes, no twelve characters of a secret are left', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    const flat = (text: string): string => text.replace(/\s+/g, ' ').trim()
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.array(word),
        fc.nat(3),
        (secrets, words, at) => {
          const message = [...words, secrets[at % secrets.length], ...words].join(' ')
          const clean = scrub(message, secrets)
          for (const secret of secrets.map(flat)) {
            const size = Math.min(12, secret.length)
            for (let i = 0; size >= 4 && i + size <= secret.length; i++) {
              const part = secret.slice(i, i + size)
              // The mark itself is no quotation.
              if (!part.includes('…')) expect(clean).not.toContain(part)
            }
          }
          expect(clean.length).toBeLessThanOrEqual(500)
        },
      ),
      { numRuns: 500 },
    )
  })
})
