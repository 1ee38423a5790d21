import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSimulator } from 'llm-pack-stream/simulator'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bareEnv, Workplace } from '../../helpers/cli.ts'
import { kafkaTests, type KafkaCluster } from '../../helpers/kafka.ts'
import { FROM_SOURCE, root } from '../../helpers/run.ts'

const slowLeader = new URL('../../helpers/slow-leader.ts', import.meta.url).href
const page = readFileSync(join(root, 'docs/kafka.md'), 'utf8')
const [input, output, dead] = ['tickets', 'ticket-labels', 'ticket-rejects']

/** A program of the example, in its own terminal. */
class Program {
  readonly #child
  readonly #ended
  stdout = ''
  stderr = ''

  constructor(name: string, cluster: KafkaCluster, env: Record<string, string> = {}) {
    this.#child = spawn(
      process.execPath,
      [FROM_SOURCE, '--import', slowLeader, `examples/kafka/${name}.ts`],
      {
        ...{ cwd: root, env: { ...bareEnv, KAFKA_BROKERS: cluster.brokers.join(), ...env } },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.#ended = once(this.#child, 'close')
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Sends the signal of Ctrl-C. */
  async stop() {
    this.#child.kill('SIGINT')
    const [code] = (await this.#ended) as [number | null]
    return { code, stderr: this.stderr }
  }

  /** The partitions that the program reads, from the last line that names them. */
  get partitions(): number[] {
    const [, last = ''] = [...this.stdout.matchAll(/ Reads partitions (.*)\n/g)].at(-1) ?? []
    return last === '' ? [] : last.split(', ').map(Number)
  }
}

kafkaTests('examples/kafka', (cluster) => {
  const programs: Program[] = []

  beforeAll(async () => {
    // The mock cluster lets no client create a topic. With a real cluster, the example creates it.
    if (!cluster.isMock) return
    await cluster.createTopic(input, 6)
    await cluster.createTopic(output, 6)
    await cluster.createTopic(dead, 1)
  })
  afterAll(() => {
    for (const program of programs) program.kill()
  })

  const start = (name: string, env?: Record<string, string>) => {
    const program = new Program(name, cluster, env)
    programs.push(program)
    return program
  }

  it('shares the partitions between two workers, and gives each ticket its label', async () => {
    const produce = start('produce')
    await expect.poll(() => produce.stdout).toContain('Produces 50 tickets a second')
    const [first, second] = [start('worker'), start('worker')]
    const shares = () => [first, second].map(({ partitions }) => partitions.length)
    await expect.poll(shares).toEqual([3, 3])
    expect([...first.partitions, ...second.partitions].sort()).toEqual([0, 1, 2, 3, 4, 5])

    expect(await first.stop()).toEqual({ code: 0, stderr: '' })
    await expect.poll(() => second.partitions).toEqual([0, 1, 2, 3, 4, 5])
    await expect.poll(async () => (await cluster.readAll(input)).length).toBeGreaterThan(100)
    expect(await produce.stop()).toEqual({ code: 0, stderr: '' })

    const tickets = await cluster.readAll(input)
    const ids = tickets.map(({ partition, offset }) => `${input}:${partition}:${offset}`)
    const missing = async () => {
      const keys = new Set((await cluster.readAll(output)).map(({ key }) => key))
      return ids.filter((id) => !keys.has(id))
    }
    await expect.poll(missing).toEqual([])
    expect(await second.stop()).toEqual({ code: 0, stderr: '' })

    expect(second.stdout).toMatch(
      /Stopped: [\d,]+ labelled, 0 rejected, 0 of partitions that had moved, 0 unfinished\n$/,
    )
    const [result] = await cluster.readAll(output)
    const ticket = tickets.find(({ partition, offset }) => `${input}:${partition}:${offset}` === result!.key)
    const { label, ...rest } = JSON.parse(result!.value!) as { label: string }
    expect(JSON.stringify(rest)).toBe(ticket!.value)
    expect(label).toMatch(/^[a-z_]+$/)
  })

  it('has the program of docs/kafka.md, which works', async () => {
    const program = readFileSync(join(root, 'examples/kafka/minimal.ts'), 'utf8').replace(/^\/\/.*\n/, '')
    expect(page).toContain(program)

    if (cluster.isMock) {
      for (const name of ['messages', 'message-labels', 'message-rejects']) await cluster.createTopic(name, 1)
    }
    const values = ['Where is my parcel?', 'Charged twice!', null]
    await cluster.produce(
      'messages',
      values.map((value) => ({ value })),
    )
    await using simulator = await startSimulator({ latency: { timeToFirstToken: 1 } })
    const worker = start('minimal', { OPENAI_API_KEY: 'x', OPENAI_BASE_URL: simulator.baseURL })
    await expect.poll(() => cluster.endOffsets('message-labels')).toEqual([2n])
    const { code, stderr } = await worker.stop()
    expect({ code, stdout: worker.stdout }).toEqual({ code: 0, stdout: '2 labelled, 1 rejected\n' })
    expect(stderr).toContain("type: 'assigned'")
    const [tombstone] = await cluster.readAll('message-rejects')
    expect(tombstone).toMatchObject({ key: 'messages:0:2', value: null })
    const [result] = await cluster.readAll('message-labels')
    expect(result).toMatchObject({ key: 'messages:0:0', value: expect.stringContaining('"team"') as string })
  })

  it('has the command of docs/kafka.md, which works', async () => {
    const [, command = ''] = /```sh\n(export KAFKA_BROKERS[^]*?)```/.exec(page) ?? []
    expect(command).toContain('localhost:9092')
    await cluster.produce('messages', [{ value: 'Shipping takes long' }])
    using place = new Workplace()
    const script = command
      .replace('npx ', '')
      .replace('localhost:9092', cluster.brokers.join())
      .replace('--group labelling', '--group labelling-by-command')
    const shell = spawn('bash', ['-ec', script], {
      cwd: place.path,
      env: { ...place.install(), NODE_OPTIONS: `--import ${slowLeader}` },
      stdio: 'ignore',
      // A separate process group, because Ctrl-C goes to all its processes.
      detached: true,
    })
    const ended = once(shell, 'exit')
    // Its group reads the messages that the program's group has read, and the new message.
    await expect.poll(() => cluster.endOffsets('message-labels')).toEqual([5n])
    process.kill(-shell.pid!, 'SIGINT')
    expect(await ended).toEqual([0, null])
    const labels = await cluster.readAll('message-labels')
    const expected = { key: 'messages:0:3', value: '{"text":"Shipping takes long","label":"shipping"}' }
    expect(labels).toContainEqual(expect.objectContaining(expected))
  })
})
