import type { CacheStore } from '../../index.ts'
import { UsageError } from '../flags/usage-error.ts'

/** A cache of results in an SQLite file. */
export interface CacheFile {
  readonly store: CacheStore
  readonly close: () => void
}

export async function openCache(file: string): Promise<CacheFile> {
  const { DatabaseSync } = await importSqlite()
  try {
    const database = new DatabaseSync(file)
    // Several runs may share the file. A later run asks again for results that a power cut loses.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000')
    database.exec(
      'CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
    )
    const select = database.prepare('SELECT value FROM results WHERE key = ?')
    const insert = database.prepare('INSERT OR REPLACE INTO results (key, value) VALUES (?, ?)')
    return {
      store: {
        get: (key) => (select.get(key) as { value: string } | undefined)?.value,
        set: (key, value) => insert.run(key, value),
      },
      close: () => {
        database.close()
      },
    }
  } catch (cause) {
    throw new UsageError(`--cache: ${file}: ${(cause as Error).message}`, { cause })
  }
}

/**
 * Imports without Node's warning that SQLite is experimental: the cache can be deleted at any time.
 */
async function importSqlite(): Promise<typeof import('node:sqlite')> {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = () => undefined
  try {
    return await import('node:sqlite')
  } catch (cause) {
    throw new UsageError('--cache needs Node 22.13 or newer', { cause })
  } finally {
    process.emitWarning = emitWarning
  }
}
