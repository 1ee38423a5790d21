/** Adds the name of a file to an error of writing. */
export function naming(path: string, write: () => void): void {
  try {
    write()
  } catch (cause) {
    throw new Error(`${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
}
