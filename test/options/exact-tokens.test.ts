import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { exactTokenCounter, type Encoding } from '../../src/options/exact-tokens.ts'

/** The texts that the tokenizer got, piece by piece. */
const pieces = vi.hoisted((): string[] => [])
vi.mock(import('gpt-tokenizer/encoding/o200k_base'), async (importOriginal) => {
  const original = await importOriginal()
  const countTokens: typeof original.countTokens = (input, options) => {
    pieces.push(input as string)
    return original.countTokens(input, options)
  }
  return { ...original, countTokens }
})

const run = promisify(execFile)
const count = await exactTokenCounter()

/** A separate generator, so that a failing text can be made again. */
function randomText(length: number, seed: number, pick: (random: number) => string): string {
  let state = seed
  let text = ''
  while (text.length < length) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    text += pick(state / 2 ** 32)
  }
  return text.slice(0, length)
}

const TRAIN = new URL('../../../shared/banking77/train.csv', import.meta.url)
const absent = !existsSync(TRAIN)
const queries = absent
  ? []
  : parse<{ text: string }>(readFileSync(TRAIN), { columns: true }).map(({ text }) => text)

describe.skipIf(absent)(
  `on the queries of Banking77${absent ? ' (skipped: no ../shared/banking77/train.csv)' : ''}`,
  () => {
    it("each short text has exactly gpt-tokenizer's own count", () => {
      const short = queries.filter((text) => text.length <= 256)
      expect(short.length).toBeGreaterThan(9_900)
      expect(short.filter((text) => count(text) !== countTokens(text))).toEqual([])
    })

    it('longer texts, which are counted in pieces, have the exact count too, because they are cut at spaces', () => {
      const long = queries.filter((text) => text.length > 256)
      expect(long.filter((text) => count(text) !== countTokens(text))).toEqual([])
    })

    it.each([16_384, 20_000, 200_000])('%i characters of them have a count within 1%', (length) => {
      const text = queries.join('\n').slice(0, length)
      const truth = countTokens(text)
      const share = count(text) / truth - 1
      console.log(`exactTokenCounter, ${length} characters of English: ${(share * 100).toFixed(2)}% off`)
      expect(Math.abs(share)).toBeLessThan(0.01)
    })
  },
)

const CJK = (random: number): string => String.fromCharCode(0x4e00 + Math.floor(random * 20_000))
const LETTER = (random: number): string => String.fromCharCode(97 + Math.floor(random * 26))

describe('on hostile texts', () => {
  it.each<[string, (seed: number) => string]>([
    ['200,000 spaces', () => ' '.repeat(200_000)],
    ['200,000 newlines', () => '\n'.repeat(200_000)],
    ['200,000 of one letter', (seed) => LETTER(seed / 10).repeat(200_000)],
    ['200,000 random letters', (seed) => randomText(200_000, seed, LETTER)],
    ['200,000 random Chinese characters', (seed) => randomText(200_000, seed, CJK)],
    ['200,000 of one kana', (seed) => String.fromCharCode(0x3042 + seed).repeat(200_000)],
    ['200,000 emoji', (seed) => String.fromCodePoint(0x1f600 + seed).repeat(100_000)],
    [
      'base64 of 150 kB',
      (seed) =>
        Buffer.from(randomText(150_000, seed, CJK))
          .subarray(0, 150_000)
          .toString('base64'),
    ],
    ['200,000 exclamation marks', () => '!'.repeat(200_000)],
    ['200,000 digits', (seed) => randomText(200_000, seed, (random) => String(Math.floor(random * 10)))],
    ['16,384 random Chinese characters', (seed) => randomText(16_384, seed, CJK)],
    ['16,384 random letters', (seed) => randomText(16_384, seed, LETTER)],
    ['lone surrogates', (seed) => String.fromCharCode(0xd83d + seed).repeat(100_000)],
    ['100,000 special tokens', () => '<|endoftext|>'.repeat(8_000)],
  ])('%s: it does not throw, and passes on short pieces, and little text in total', (_name, make) => {
    for (const seed of [0, 1]) {
      const text = make(seed)
      pieces.length = 0
      const tokens = count(text)
      expect(tokens).toBeGreaterThan(0)
      expect(tokens).toBeLessThanOrEqual(Buffer.byteLength(text))
      expect(Number.isInteger(tokens)).toBe(true)
      // Merging is quadratic in the length of a piece. Short pieces prevent that it blocks.
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(256)
      expect(pieces.join('').length).toBeLessThanOrEqual(16_384)
      expect(pieces.every((piece) => piece !== '' && text.includes(piece))).toBe(true)
      if (text.length <= 16_384) expect(pieces.join('')).toBe(text)
    }
  })

  it.each([
    '<|endoftext|>',
    'a <|endoftext|> b',
    '<|im_start|>system<|im_sep|>',
    '<|endofprompt|><|endoftext|>',
    '<|start|>',
  ])('%s is counted as plain text', (text) => {
    const asText = text.replaceAll('<|', '< |')
    expect(count(text)).toBeGreaterThan(4)
    expect(Math.abs(count(text) - countTokens(asText))).toBeLessThanOrEqual(4)
  })

  it.each(['', 'a', '\ud83d', '\ude00\ud83d', 'a\ud83d', '\0'])('%j is counted', (text) => {
    expect(count(text)).toBe(countTokens(text))
  })

  it('compact JSON without a space has the exact count, because it is cut before quotation marks', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'Z', '9', '_', '-', '.', 'é'), maxLength: 20 })
    fc.assert(
      fc.property(fc.array(word, { minLength: 100, maxLength: 200 }), (words) => {
        const text = JSON.stringify({ enum: words.map((one) => `${one}x`) })
        expect(count(text)).toBe(countTokens(text))
      }),
      { numRuns: 50 },
    )
  })

  it('an emoji is not split when a long run is counted in pieces', () => {
    // 255 letters put the first half of the emoji at the end of the first piece.
    const text = `${'a'.repeat(255)}😀${'b'.repeat(100)}`
    expect(count(text)).toBeLessThanOrEqual(countTokens(text) + 2)
  })
})

describe('encodings', () => {
  it.each<Encoding>(['o200k_base', 'o200k_harmony', 'cl100k_base'])('%s can be loaded', async (encoding) => {
    expect((await exactTokenCounter(encoding))('hello world')).toBe(2)
  })

  it.each(['p50k_base', 'toString', '__proto__', '', 5, null])(
    '%j is refused with its name',
    async (encoding) => {
      const loading = exactTokenCounter(encoding as Encoding)
      await expect(loading).rejects.toThrow(TypeError)
      await expect(loading).rejects.toThrow(/`encoding`.*o200k_base, o200k_harmony, cl100k_base, got /)
    },
  )

  it('gpt-tokenizer is not loaded before a counter is requested', async () => {
    const script = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      const { exactTokenCounter } = await import('llm-pack-stream/exact-tokens')
      const before = loaded.filter((url) => url.includes('gpt-tokenizer')).length
      await exactTokenCounter()
      const after = loaded.filter((url) => url.includes('gpt-tokenizer')).length
      console.log(JSON.stringify({ files: loaded.length, before, after }))
    `
    const { stdout } = await run(
      process.execPath,
      ['--conditions=llm-pack-stream-source', '--input-type=module', '--eval', script],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
    )
    const { files, before, after } = JSON.parse(stdout) as { files: number; before: number; after: number }
    expect(files).toBeGreaterThan(2)
    expect(before).toBe(0)
    expect(after).toBeGreaterThan(0)
  })
})
