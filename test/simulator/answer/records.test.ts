import { describe, expect, test } from 'vitest'
import { findRecords, isIdName } from '../../../src/simulator/answer/records.ts'

describe('findRecords', () => {
  test.each<[string, string, [id: string, text: string, written?: string][]]>([
    [
      'tags',
      '<record id="1">one</record>\n<record id="2">two</record>',
      [
        ['1', 'one'],
        ['2', 'two'],
      ],
    ],
    [
      'other tag, quotes, attributes',
      `Go:\n<item lang='en' id='a7'>x</item><item id=b>y</item>`,
      [
        ['a7', 'x'],
        ['b', 'y'],
      ],
    ],
    ['lines inside a record', '<r id="1">\nfirst\nsecond\n</r>', [['1', 'first\nsecond']]],
    [
      'a tag inside a record',
      '<r id="1">a <b id="9">bold</b> <r> c</r>',
      [['1', 'a <b id="9">bold</b> <r> c']],
    ],
    ['a tag that is never closed', '<hr id="top"><r id="1">x</r>', [['1', 'x']]],
    ['a record that is not closed', '<r id="1">x</r><r id="2">y', [['1', 'x']]],
    [
      'JSON in a tag',
      '<r id="1">{"subject":"Hi","body":"card"}</r>',
      [['1', 'Hi card', '{"subject":"Hi","body":"card"}']],
    ],
    [
      'array of strings',
      'Label these: ["first", "second"]',
      [
        ['1', 'first'],
        ['2', 'second'],
      ],
    ],
    [
      'array of objects',
      '[{"id": 7, "text": "x"}, {"id": "b", "text": "y", "n": 3}]',
      [
        ['7', 'x', '{"text":"x"}'],
        ['b', 'y', '{"text":"y","n":3}'],
      ],
    ],
    ['objects without id', '[{"text": "x"}]', [['1', 'x', '{"text":"x"}']]],
    ['array in an object', '{"records": [{"key": "k1", "q": "x]\\"}"}]}', [['k1', 'x]"}', '{"q":"x]\\"}"}']]],
    ['array in a fence', 'These:\n```json\n["x"]\n```', [['1', 'x']]],
    [
      'numbered with dots',
      'Label:\n1. one\n2. two\nmore',
      [
        ['1', 'one'],
        ['2', 'two\nmore'],
      ],
    ],
    [
      'numbered with brackets',
      '[0] zero\n[1] one',
      [
        ['0', 'zero'],
        ['1', 'one'],
      ],
    ],
    [
      'numbered with parentheses',
      '  1) one\n  2) two',
      [
        ['1', 'one'],
        ['2', 'two'],
      ],
    ],
    [
      'JSON text in numbered lines',
      '1. says ["a"] here\n2. two',
      [
        ['1', 'says ["a"] here'],
        ['2', 'two'],
      ],
    ],
  ])('%s', (_, message, records) => {
    expect(findRecords(message)).toEqual({
      records: records.map(([id, text, written = text]) => ({ id, written, text })),
      delimited: true,
    })
  })

  test.each([
    ['Where is my card?', 'Where is my card?'],
    ['', ''],
    ['a < b and <c> d', 'a < b and <c> d'],
    ['see [1, 2] and [x]', 'see [1, 2] and [x]'],
    ['{"text": "Where is it?"}', 'Where is it?'],
    ['a 3.5 and\n2.text', 'a 3.5 and\n2.text'],
  ])('%j is one record', (message, text) => {
    expect(findRecords(message)).toEqual({ records: [{ id: '1', written: message, text }], delimited: false })
  })

  test.each([
    ['tags never closed', '<a id="1">'.repeat(100_000)],
    ['100,000 tag names', Array.from({ length: 100_000 }, (_, i) => `<a${i} id="1">`).join('')],
    ['one long tag', `<a ${' '.repeat(1_000_000)}`],
    ['arrays never closed', '\n["'.repeat(300_000)],
    ['arrays in arrays', `\n${'["a",'.repeat(200_000)}`],
    ['empty lines', '\n'.repeat(1_000_000)],
    ['blanks', `\n${' '.repeat(500)}`.repeat(2000)],
    ['many records', '<r id="1">x</r>'.repeat(60_000)],
    ['many lines', '\n1. x'.repeat(200_000)],
  ])('a megabyte of %s takes linear time', (_, message) => {
    const start = performance.now()
    findRecords(message)
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})

test('names of ids', () => {
  for (const name of ['id', 'ID', 'index', 'i', 'n', 'key', 'record_id', 'recordId'])
    expect(isIdName(name)).toBe(true)
  for (const name of ['label', 'idea', 'user', 'text']) expect(isIdName(name)).toBe(false)
})
