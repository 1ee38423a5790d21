import { mix } from '../hash.ts'

type Part =
  | { kind: 'class'; ranges: Range[]; negated: boolean }
  | { kind: 'options'; options: Part[][] }
  | { kind: 'repeat'; part: Part; least: number; most: number }

type Range = readonly [from: number, to: number]

const range = (from: string, to: string): Range => [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0]
const digits = [range('0', '9')]
const wordChars = [range('a', 'z'), range('A', 'Z'), ...digits, range('_', '_')]
const printable = [range('a', 'z'), range('0', '9'), range('A', 'Z'), range(' ', '~')]
const escapes: Record<string, Range[]> = {
  d: digits,
  w: wordChars,
  s: [range(' ', ' ')],
  W: [range('-', '-')],
}
const controls: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v' }

/**
 * Returns a text that matches a regular expression. The function reads the expression and never
 * runs it, because an expression from a request must not hang the server. `undefined` if the
 * expression has parts that the function does not know (look-around, back references, Unicode
 * properties), or if no text of the lengths is found.
 */
export function textMatching(
  pattern: string,
  hash: number,
  minLength: number,
  maxLength: number,
): string | undefined {
  const parts = parsePattern(pattern)
  if (parts === undefined) return undefined
  for (const more of [2, minLength, 0]) {
    const text = write(parts, hash, more)
    if (text !== undefined && text.length >= minLength && text.length <= maxLength) return text
  }
  return undefined
}

function parsePattern(pattern: string): Part | undefined {
  let at = 0
  let depth = 0
  const parsed = options()
  return parsed !== undefined && at === pattern.length ? parsed : undefined

  function options(): Part | undefined {
    if (++depth > 50) return undefined
    const found: Part[][] = [[]]
    while (at < pattern.length && pattern[at] !== ')') {
      if (pattern[at] === '|') {
        at++
        found.push([])
        continue
      }
      const anchor = pattern[at] === '^' || pattern[at] === '$'
      if (anchor) {
        at++
        continue
      }
      const part = atom()
      if (part === undefined) return undefined
      found.at(-1)?.push(repeated(part))
    }
    depth--
    return { kind: 'options', options: found }
  }

  function atom(): Part | undefined {
    const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0)
    at += char.length
    if (char === '(') return group()
    if (char === '[') return charClass()
    if (char === '.') return { kind: 'class', ranges: printable, negated: false }
    const ranges = char === '\\' ? escape() : [range(char, char)]
    return ranges === undefined ? undefined : { kind: 'class', ranges, negated: false }
  }

  function group(): Part | undefined {
    const intro = /^\?(?::|<[A-Za-z]\w*>)/u.exec(pattern.slice(at, at + 100))?.[0] ?? ''
    at += intro.length
    if (pattern[at] === '?') return undefined
    const inside = options()
    if (pattern[at++] !== ')') return undefined
    return inside
  }

  function escape(): Range[] | undefined {
    const char = pattern[at++] ?? ''
    const code = /^(?:x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]{1,5})\})/iu.exec(pattern.slice(at - 1, at + 8))
    if (code !== null) {
      at += code[0].length - 1
      const char = String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? code[3] ?? '', 16))
      return [range(char, char)]
    }
    const literal = controls[char] ?? (/[a-zA-Z0-9]/u.test(char) || char === '' ? undefined : char)
    return escapes[char] ?? (literal === undefined ? undefined : [range(literal, literal)])
  }

  function charClass(): Part | undefined {
    const negated = pattern[at] === '^'
    if (negated) at++
    const ranges: Range[] = []
    while (at < pattern.length && pattern[at] !== ']') {
      const from = classAtom()
      if (from === undefined) return undefined
      const single = from.length === 1 && from[0]?.[0] === from[0]?.[1]
      if (single && pattern[at] === '-' && pattern[at + 1] !== ']' && at + 1 < pattern.length) {
        at++
        const to = classAtom()?.[0]
        if (to === undefined) return undefined
        ranges.push([from[0]?.[0] ?? 0, to[1]])
      } else ranges.push(...from)
    }
    at++
    return { kind: 'class', ranges, negated }
  }

  function classAtom(): Range[] | undefined {
    const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0)
    at += char.length
    return char === '\\' ? escape() : [range(char, char)]
  }

  function repeated(part: Part): Part {
    const match = /^(?:([*+?])|\{(\d{1,6})(,?)(\d{0,6})\})\??/u.exec(pattern.slice(at, at + 20))
    if (match === null) return part
    at += match[0].length
    const [, sign, from = '', comma, to = ''] = match
    if (sign !== undefined) {
      return { kind: 'repeat', part, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Infinity }
    }
    const most = comma === '' ? Number(from) : to === '' ? Infinity : Number(to)
    return { kind: 'repeat', part, least: Number(from), most }
  }
}

/**
 * Longest text, in characters, and largest number of choices. Nested repeats could multiply to
 * more.
 */
const longestText = 100_000

function write(part: Part, hash: number, more: number): string | undefined {
  let step = 0
  let text = ''
  const choose = (count: number) => mix(hash, step++) % count

  const append = (part: Part): boolean => {
    if (text.length > longestText || step > longestText) return false
    if (part.kind === 'repeat') {
      const count = Math.min(part.most, part.least + more)
      for (let done = 0; done < count; done++) if (!append(part.part)) return false
      return true
    }
    if (part.kind === 'options') {
      return (part.options[choose(part.options.length)] ?? []).every(append)
    }
    const codes = part.negated ? outside(part.ranges) : part.ranges
    const [from, to] = codes[choose(codes.length || 1)] ?? [0, -1]
    if (to < from) return false
    text += String.fromCodePoint(from + choose(to - from + 1))
    return true
  }

  return append(part) ? text : undefined
}

/** Returns the printable characters that are outside all ranges. */
function outside(ranges: readonly Range[]): Range[] {
  const free = printable.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
  return free
    .filter((code) => !ranges.some(([from, to]) => code >= from && code <= to))
    .map((code) => [code, code])
}
