import type { Entry } from '../../src/record/entry.ts'

/** A record before its first request, with the given changes. */
export function entryOf(index: number, changes: Partial<Entry<string>> = {}): Entry<string> {
  return {
    ...{ index, record: `record ${index}`, text: `record ${index}`, tokens: 1 },
    ...{ shared: [], partition: undefined, cacheKey: undefined },
    ...{ attempts: 0, attemptsLeft: 4, maxCompany: 25 },
    ...{ group: undefined, failures: 0, needsMaxCap: false, needsNoCap: false, invalid: undefined },
    ...changes,
  }
}
