/** The message for a Node that is too old, so that no later failure hides the reason. */
export function tooOldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 12)) return undefined
  return `llm-pack-stream needs Node 22.12 or newer, and this is ${version}`
}

/** The message for Zod 3, which has parts of Zod 4.0 in it, and for Zod 4.0 itself. */
export function tooOldZod(version: { readonly major: number; readonly minor: number }): string | undefined {
  const { major, minor } = version
  if (major > 4 || (major === 4 && minor >= 1)) return undefined
  return 'llm-pack-stream needs zod 4.1 or newer: npm install zod'
}

/**
 * The message for a package that is missing, as after `npm install --omit=peer`, or that is so old
 * that it has no such part. `undefined`: the error is about something else.
 */
export function missingPackage(error: unknown): string | undefined {
  const { code, message = '' } = Object(error) as { readonly code?: unknown; readonly message?: string }
  const name =
    code === 'ERR_MODULE_NOT_FOUND'
      ? /^Cannot find package '([^']+)'/.exec(message)?.[1]
      : code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'
        ? /[/\\]node_modules[/\\]([^/\\@]+|@[^/\\]+[/\\][^/\\]+)[/\\]package\.json/.exec(message)?.[1]
        : undefined
  if (name === undefined) return undefined
  const shown = name.replace('\\', '/')
  return `llm-pack-stream needs the package ${shown}: npm install ${shown}`
}
