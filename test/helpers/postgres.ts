import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A program of Debian's package `postgresql`. The server is beside it. */
const [initdb] = globSync('/usr/lib/postgresql/*/bin/initdb')

/** The reason why there is no PostgreSQL, or nothing if there is. */
export const noPostgres = initdb === undefined ? 'PostgreSQL is not installed' : undefined

export interface Postgres {
  /** How `psql` and the package `pg` find it. */
  readonly env: { readonly PGHOST: string; readonly PGUSER: string; readonly PGDATABASE: string }
  stop: () => Promise<void>
}

/** Starts an empty PostgreSQL in a folder of its own, which it listens in too. */
export async function startPostgres(): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-pg-'))
  // PostgreSQL refuses to run as root.
  const owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid)
  const asked = ['-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  execFileSync(initdb!, asked, { ...owner, cwd: folder, stdio: 'pipe' })
  const server = spawn(join(dirname(initdb!), 'postgres'), ['-D', folder, '-k', folder, '-h', '', '-F'], {
    ...owner,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('ready to accept connections')) resolve()
    })
    server.once('close', () => {
      reject(new Error(`PostgreSQL did not start: ${said}`))
    })
  })
  return {
    env: { PGHOST: folder, PGUSER: 'postgres', PGDATABASE: 'postgres' },
    async stop() {
      const ended = once(server, 'exit')
      server.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}

const idOf = (which: '-u' | '-g') => Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }))
