/**
 * The value of a JSON text, or what is wrong with it. Only the position is taken from what `JSON.parse` says: its messages
 * quote the text.
 */
export function jsonOf(
  text: string,
): { json: unknown; code?: undefined } | { code: 'invalid_json' | 'null_record'; problem: string } {
  try {
    const json: unknown = JSON.parse(text)
    return json === null ? { code: 'null_record', problem: 'expected a record, got null' } : { json }
  } catch (error) {
    return { code: 'invalid_json', problem: `expected JSON, got what is not${position(error)}` }
  }
}

function position(error: unknown): string {
  const [, at] = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(String(error)) ?? []
  return at === undefined ? '' : ` at its character ${Number(at) + 1}`
}
