type Sqlite = typeof import('node:sqlite')

let imported: Promise<Sqlite | undefined> | undefined

/**
 * SQLite of Node.js, without the warning that it is experimental. `undefined`: this Node.js has
 * none.
 */
export function importSqlite(): Promise<Sqlite | undefined> {
  // Once: of two imports at the same time, the second would keep the first one's silence for good.
  imported ??= importSilently()
  return imported
}

async function importSilently(): Promise<Sqlite | undefined> {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = () => undefined
  try {
    return await import('node:sqlite')
  } catch {
    return undefined
  } finally {
    process.emitWarning = emitWarning
  }
}
