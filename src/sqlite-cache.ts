import type { DatabaseSync } from 'node:sqlite'
import { importSqlite } from './base/import-sqlite.ts'
import type { CacheStore } from './index.ts'

/** A cache of results in an SQLite file. Several processes may have it open at the same time. */
export interface SqliteCache extends CacheStore, Disposable {
  get(key: string): string | undefined
  set(key: string, value: string): void
  /** Closes the file. Once it is closed, `get` and `set` throw. */
  readonly close: () => void
}

/**
 * Opens a cache of results for the option `cache` of a stream. Creates an absent file. It needs
 * `node:sqlite`, which Node.js has since 22.13.
 *
 * @throws {Error} If Node.js has no SQLite, or the file cannot be used as a cache. The message
 *   names the file.
 */
export async function openCache(file: string): Promise<SqliteCache> {
  const sqlite = await importSqlite()
  if (!sqlite) throw new Error('openCache needs Node.js 22.13 or newer')
  const { DatabaseSync } = sqlite
  let database: DatabaseSync | undefined
  const close = () => {
    database?.close()
    database = undefined
  }
  try {
    database = new DatabaseSync(file)
    // Several runs may share the file. A later run asks again for results that a power cut loses.
    database.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    database.exec(
      'CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
    )
    const select = database.prepare('SELECT value FROM results WHERE key = ?')
    const insert = database.prepare('INSERT OR REPLACE INTO results (key, value) VALUES (?, ?)')
    return {
      get: (key) => (select.get(key) as { value: string } | undefined)?.value,
      set: (key, value) => {
        insert.run(key, value)
      },
      close,
      [Symbol.dispose]: close,
    }
  } catch (cause) {
    close()
    throw new Error(`openCache: ${file}: ${(cause as Error).message}`, { cause })
  }
}
