import { RowError } from '../row.ts'
import { UTF8_MARK } from './utf8.ts'

/** The bytes that can show the encoding, at most. */
const HEAD_BYTES = 4
/** Stands for bytes that mean nothing in their encoding: a byte that is in no UTF-8 text. */
const UNREADABLE = Buffer.of(0xff)
/** Half a pair of surrogates. */
const HALF = '\ud800'

/**
 * Makes UTF-8 of the bytes of a file, which come in pieces of any size. A byte order mark shows the
 * encoding, or zeros beside ASCII characters, or else the caller names it. UTF-8 stays as it is,
 * with all its faults. Bytes that mean nothing in another encoding become a byte that is not UTF-8,
 * so that the reader of rows finds the bad row.
 */
export class Decoder {
  readonly #file: string
  readonly #named: string | undefined
  #head: Buffer | undefined = Buffer.alloc(0)
  #decode: ((bytes: Buffer, isLast: boolean) => Buffer) | undefined

  /** @param encoding A name of `TextDecoder`. Default: UTF-8, or UTF-16 if the file shows it. */
  constructor(file: string, encoding: string | undefined) {
    this.#file = file
    this.#named = encoding
  }

  /** Whether positions in the UTF-8 text are positions in the file, as far as it is known. */
  get isUnchanged(): boolean {
    return this.#decode === undefined
  }

  decode(chunk: Buffer, isLast: boolean): Buffer {
    let bytes = chunk
    if (this.#head) {
      bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      if (!isLast && needsMore(bytes)) {
        this.#head = bytes
        return Buffer.alloc(0)
      }
      this.#head = undefined
      this.#decode = this.#decoderOf(bytes)
    }
    return this.#decode ? this.#decode(bytes, isLast) : bytes
  }

  #decoderOf(head: Buffer): Decoder['decode'] | undefined {
    const encoding = encodingOf(head) ?? this.#named
    if (encoding === 'utf-32') {
      const what = 'expected UTF-8, or an encoding that TextDecoder knows, got UTF-32. Convert it first'
      throw new RowError('unknown_encoding', this.#file, 1, what)
    }
    const name = encoding === undefined ? 'utf-8' : new TextDecoder(encoding).encoding
    return name === 'utf-8' ? undefined : name.startsWith('utf-16') ? ofUtf16(name) : ofOther(name)
  }
}

/** The encoding that the first bytes of a file show. */
function encodingOf(head: Buffer): string | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = head
  const mark = head.toString('latin1', 0, HEAD_BYTES)
  if (mark === '\xff\xfe\0\0' || mark === '\0\0\xfe\xff') return 'utf-32'
  if (mark.startsWith('\xff\xfe')) return 'utf-16le'
  if (mark.startsWith('\xfe\xff')) return 'utf-16be'
  if (mark.startsWith(UTF8_MARK)) return 'utf-8'
  if (head.length < HEAD_BYTES) return undefined
  // No text begins with a zero beside each of two ASCII characters.
  if (isPrintable(a) && b === 0 && isPrintable(c) && d === 0) return 'utf-16le'
  if (a === 0 && isPrintable(b) && c === 0 && isPrintable(d)) return 'utf-16be'
  return undefined
}

/** A short first row must not wait for bytes that change nothing. */
function needsMore(head: Buffer): boolean {
  const [first = 0, second = 0] = head
  return head.length < 2 || (head.length < HEAD_BYTES && (first === 0 || second === 0 || first >= 0xef))
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f
}

function ofUtf16(name: string): Decoder['decode'] {
  const isBig = name === 'utf-16be'
  // The start of a unit, or half a pair of surrogates, waits for the next bytes.
  let held = Buffer.alloc(0)
  return (chunk, isLast) => {
    const bytes = Buffer.concat([held, chunk])
    const even = bytes.length - (bytes.length % 2)
    const isHalf = !isLast && isFirstHalf(bytes[isBig ? even - 2 : even - 1])
    const units = bytes.subarray(0, isHalf ? even - 2 : even)
    held = bytes.subarray(units.length)
    // Unlike `TextDecoder`, it keeps half a pair of surrogates, which differs from a U+FFFD in the
    // text.
    const text = (isBig ? units.swap16() : units).toString('utf16le')
    const all = isLast && held.length > 0 ? text + HALF : text
    return all.isWellFormed() ? Buffer.from(all) : marked(all, /\p{Surrogate}/u)
  }
}

/** Whether a unit with this high byte is the first half of a pair of surrogates. */
function isFirstHalf(highByte = 0): boolean {
  return (highByte & 0xfc) === 0xd8
}

function ofOther(name: string): Decoder['decode'] {
  const decoder = new TextDecoder(name, { ignoreBOM: true })
  return (chunk, isLast) => {
    const text = decoder.decode(chunk, { stream: !isLast })
    return text.includes('\ufffd') ? marked(text, /\ufffd/u) : Buffer.from(text)
  }
}

function marked(text: string, unreadable: RegExp): Buffer {
  const parts = text.split(unreadable).flatMap((part) => [UNREADABLE, Buffer.from(part)])
  return Buffer.concat(parts.slice(1))
}
