import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

type Names = 'renameSync' | 'appendFileSync' | 'writeFileSync' | 'writeSync' | 'truncateSync' | 'rmSync'

/**
 * Puts other functions in the place of functions of `node:fs`, for all modules of this process.
 *
 * @param make Gets a function of `node:fs` and returns the function for its place.
 * @returns Puts the functions of `node:fs` back.
 */
export function patchFs<F extends (...args: never[]) => unknown>(
  names: readonly Names[],
  make: (original: F) => F,
): () => void {
  const originals = Object.fromEntries(names.map((name) => [name, fs[name] as unknown as F]))
  for (const [name, original] of Object.entries(originals)) Object.assign(fs, { [name]: make(original) })
  syncBuiltinESMExports()
  return () => {
    Object.assign(fs, originals)
    syncBuiltinESMExports()
  }
}
