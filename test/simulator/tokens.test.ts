import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countTokens, splitTokens } from '../../src/simulator/tokens.ts'

const unitText = fc.string({ unit: 'binary' })
/** Any sequence of UTF-16 units, including lone surrogates. */
const brokenText = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units))

describe('splitTokens', () => {
  test.each([
    ['', []],
    ['I am waiting', ['I', ' am', ' waiting']],
    ['internationalisation', ['internatio', 'nalisation']],
    ['12345 67', ['123', '45', ' ', '67']],
    [
      '{"id":1,"label":"card_arrival"},{"id"',
      ['{"', 'id', '":', '1', ',"', 'label', '":"', 'card', '_arrival', '"},{"', 'id', '"'],
    ],
    ['a  b', ['a', ' ', ' b']],
    ['a\n\n  b', ['a', '\n\n', ' ', ' b']],
    ['(yes)', ['(yes', ')']],
    ['卡片', ['卡', '片']],
    ['hi 😀!', ['hi', ' ', '😀', '!']],
  ])('%j', (text, pieces) => {
    expect(splitTokens(text)).toEqual(pieces)
  })

  test('the joined pieces are the text, and no piece splits a character', () => {
    fc.assert(
      fc.property(fc.oneof(unitText, brokenText), (text) => {
        const pieces = splitTokens(text)
        expect(pieces.join('')).toBe(text)
        expect(countTokens(text)).toBe(pieces.length)
        for (const piece of pieces) expect(piece).not.toBe('')
        for (const [index, piece] of pieces.slice(0, -1).entries()) {
          const seam = piece.slice(-1) + (pieces[index + 1] ?? '').slice(0, 1)
          expect(/^[\ud800-\udbff][\udc00-\udfff]$/.test(seam)).toBe(false)
        }
      }),
    )
  })

  test.each(['a', ' ', '\n', '\ud83d', '{"', 'あ', '1', '😀', ' _'])(
    'a megabyte of %j is counted in linear time',
    (unit) => {
      const start = performance.now()
      countTokens(unit.repeat(1_000_000 / unit.length))
      expect(performance.now() - start).toBeLessThan(10_000)
    },
  )
})
