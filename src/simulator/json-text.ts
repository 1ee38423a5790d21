/**
 * End (exclusive) of the JSON array or object that begins at `start`; `undefined` if it does not
 * end. The function reads only brackets and strings. `JSON.parse` decides whether the text is valid
 * JSON.
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

/** Number of places to try. A limit keeps the time linear for a text full of brackets. */
const mostPlaces = 8

/**
 * Returns the first JSON value in `text` that `accept` takes. A value begins where a match of
 * `opening`, a global pattern, ends.
 */
export function findJson<T>(
  text: string,
  opening: RegExp,
  accept: (value: unknown) => T | undefined,
): T | undefined {
  let tried = 0
  for (const match of text.matchAll(opening)) {
    if (++tried > mostPlaces) return undefined
    const start = match.index + match[0].length
    const end = jsonEnd(text, start)
    if (end === undefined) continue
    const accepted = accept(parseJson(text.slice(start, end)))
    if (accepted !== undefined) return accepted
  }
  return undefined
}

/** Parses JSON. Returns `undefined` if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Whether the value is a JSON object, and not null or an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
