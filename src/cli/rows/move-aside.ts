import { existsSync, renameSync } from 'node:fs'

/**
 * Moves a file to another name, or to the first of `NAME.2`, `NAME.3` and so on that is free.
 * Returns the new name.
 */
export function moveAside(path: string, name: string): string {
  let free = name
  for (let number = 2; existsSync(free); number += 1) free = `${name}.${number}`
  renameSync(path, free)
  return free
}
