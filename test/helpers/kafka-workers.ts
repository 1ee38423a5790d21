import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { KafkaSummary, TopicPartition } from 'llm-pack-stream/kafka'
import { bareEnv } from './cli.ts'
import type { WorkerSettings } from './kafka-worker.ts'
import { FROM_SOURCE } from './run.ts'

const program = fileURLToPath(new URL('kafka-worker.ts', import.meta.url))
const slowLeader = new URL('slow-leader.ts', import.meta.url).href

/** An event of a worker, in its JSON form. */
interface Line {
  readonly type: string
  readonly partitions?: readonly TopicPartition[]
  readonly uncommitted?: number
  readonly error?: string
}

/** A worker in its own process, with the state that its events show. */
export class Worker {
  readonly child: ChildProcess
  readonly events: Line[] = []
  readonly ended: Promise<{ code: number | null; stderr: string }>
  /** Number of partitions that the worker reads. */
  partitions = 0
  /**
   * Number of records of partitions that moved away, which the worker had read and not committed.
   */
  uncommitted = 0
  summary: KafkaSummary | undefined

  constructor(settings: WorkerSettings) {
    const args = [FROM_SOURCE, '--import', slowLeader, program, JSON.stringify(settings)]
    this.child = spawn(process.execPath, args, { env: bareEnv, stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    if (!this.child.stdout) throw new Error('A worker has an output.')
    createInterface(this.child.stdout).on('line', (line) => {
      this.#hear(JSON.parse(line) as Line)
    })
    this.ended = once(this.child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  #hear(line: Line): void {
    this.events.push(line)
    if (line.type === 'assigned') this.partitions = line.partitions?.length ?? 0
    if (line.type === 'left') this.uncommitted += line.uncommitted ?? 0
    if (line.type === 'summary') this.summary = line as unknown as KafkaSummary
  }
}
