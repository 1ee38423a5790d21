/**
 * Where the JSON array or object that begins at `start` ends (exclusive), or `undefined` if it never does. Looks
 * at brackets and strings only; whether it is valid JSON, `JSON.parse` says.
 */
function jsonEnd(text: string, start: number): number | undefined {
  let depth = 0
  let inString = false
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (inString) {
      if (char === 0x5c) at++
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x5b || char === 0x7b) depth++
    else if (char === 0x5d || char === 0x7d) {
      depth--
      if (depth === 0) return at + 1
    }
  }
  return undefined
}

/** Places tried before giving up, so that a text full of brackets still takes linear time. */
const attempts = 8

/** The first JSON value in `text` that begins where `opening` (a global pattern) ends and that `accept` takes. */
export function findJson<T>(
  text: string,
  opening: RegExp,
  accept: (value: unknown) => T | undefined,
): T | undefined {
  let tried = 0
  for (const match of text.matchAll(opening)) {
    if (++tried > attempts) return undefined
    const start = match.index + match[0].length
    const end = jsonEnd(text, start)
    if (end === undefined) continue
    const accepted = accept(parseJson(text.slice(start, end)))
    if (accepted !== undefined) return accepted
  }
  return undefined
}

/** `JSON.parse`, with `undefined` for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** A JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
