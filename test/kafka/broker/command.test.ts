import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startSimulator } from 'llm-pack-stream/simulator'
import { expect, it } from 'vitest'
import { atOnce, exampleOf, startCli, Workplace, type CliRun } from '../../helpers/cli.ts'
import { kafkaTests, type NewRecord } from '../../helpers/kafka.ts'
import { startRecordingServer } from '../../helpers/recording-server.ts'

const nodeArgs = ['--import', fileURLToPath(new URL('../../helpers/slow-leader.ts', import.meta.url))]

kafkaTests('llm-pack-stream kafka', (cluster) => {
  /** The topics of a job, and its flags. */
  async function newJob(records: readonly NewRecord[]) {
    const input = cluster.newName('tickets')
    const output = cluster.newName('labels')
    const dead = cluster.newName('rejected')
    await Promise.all([
      cluster.createTopic(input, 4),
      cluster.createTopic(output, 2),
      cluster.createTopic(dead, 1),
    ])
    await cluster.produce(input, records)
    const args = [
      ...[
        'kafka',
        '--brokers',
        cluster.brokers.join(),
        '--topics',
        input,
        '--group',
        cluster.newName('group'),
      ],
      ...['--output-topic', output, '--dead-letter-topic', dead, '--session-timeout', '6000'],
      ...['--labels', 'labels.txt', '--prompt', 'Say what it is about.', '--model', 'm', '--field', 'text'],
    ]
    return { input, output, dead, args }
  }

  async function stored(topic: string): Promise<number> {
    return Number((await cluster.endOffsets(topic)).reduce((sum, one) => sum + one, 0n))
  }

  function start(place: Workplace, args: readonly string[], env: Record<string, string> = {}): CliRun {
    return startCli(args, { cwd: place.path, nodeArgs, env })
  }

  it('gives each message its result, sends bad messages to the dead letters, and stops with SIGTERM', async () => {
    const records = Array.from({ length: 50 }, (_, i): NewRecord => {
      const value = `{"id":1234567890123456789${i % 10},"text":"shipping number ${i}","label":"old"}`
      return { partition: i % 4, key: `key-${i}`, value: i === 4 ? null : i === 9 ? '{"text":' : value }
    })
    const { input, output, dead, args } = await newJob(records)
    using place = new Workplace()
    const prices = ['--price-in', '1', '--price-out', '2']
    const run = start(place, [...args, ...atOnce, ...prices, '--prefix', 'new_', '--json'])
    await expect.poll(() => stored(output)).toBe(48)
    await expect.poll(() => stored(dead)).toBe(2)
    run.child.kill('SIGTERM')
    const { code, stdout, stderr } = await run.ended
    expect(code).toBe(0)

    const results = await cluster.readAll(output)
    expect(new Set(results.map(({ key }) => key)).size).toBe(48)
    // Message 6 is the second message of partition 2.
    const sixth = results.find(({ key }) => key === `${input}:2:1`)
    expect(sixth?.value).toBe(
      '{"id":12345678901234567896,"text":"shipping number 6","label":"old","new_label":"shipping"}',
    )
    expect(sixth?.headers).toMatchObject({ 'llm-pack-stream.source.key': 'key-6' })
    const rejected = (await cluster.readAll(dead)).toSorted((a, b) => (a.key! < b.key! ? -1 : 1))
    expect(rejected.map(({ key, value }) => ({ key, value }))).toEqual([
      { key: `${input}:0:1`, value: null },
      { key: `${input}:1:2`, value: '{"text":' },
    ])
    for (const { headers } of rejected) {
      expect(headers).toMatchObject({ 'llm-pack-stream.error.code': 'invalid_record' })
    }
    expect(await cluster.committedOffsets(args[6]!, input)).toEqual([13n, 13n, 12n, 12n])

    expect(stderr).toContain(`Reads ${input} 0, 1, 2, 3\n`)
    expect(stderr).toMatch(
      /The first rejected with invalid_record: .*:(?:0:1: expected a value, got none|1:2: expected JSON)/,
    )
    expect(stderr).toContain('Stopping: finishes the records that it has read, and reads no more.\n')
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ status: 'stopped', exitCode: 0, server: 'simulator' },
      records: { fulfilled: 48, rejected: 2, dropped: 0, unfinished: 0 },
      stats: { records: { read: 50 }, cost: expect.any(Number) as number },
      firstRejection: expect.stringContaining(`${input}:`) as string,
    })
  })

  it('gives up unfinished records at the second signal, and reports their number and an exit code', async () => {
    await using server = await startRecordingServer({ latency: { timeToFirstToken: 600_000 } })
    const { output, args } = await newJob(
      Array.from({ length: 8 }, (_, i) => ({ value: `{"text":"shipping number ${i}"}` })),
    )
    using place = new Workplace()
    const run = start(place, args, { OPENAI_BASE_URL: server.baseURL })
    await expect.poll(() => server.asked.size).toBe(8)
    run.child.kill('SIGINT')
    await expect.poll(() => run.output.stderr).toContain('Ctrl-C again gives them up.')
    run.child.kill('SIGINT')
    const { code, stdout, stderr } = await run.ended
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).toContain(
      'Giving up the unfinished records.\ndone      0 fulfilled, 0 rejected, 0 dropped, 8 unfinished\n',
    )
    expect(await stored(output)).toBe(0)
  })

  it('ends if the API refuses the key', async () => {
    const { args } = await newJob([{ value: '{"text":"shipping"}' }])
    using place = new Workplace()
    const simulator = await startSimulator({ apiKey: 'right' })
    const env = { OPENAI_API_KEY: 'wrong', OPENAI_BASE_URL: simulator.baseURL }
    const { code, stderr } = await start(place, args, env).ended
    await simulator.close()
    expect(code).toBe(3)
    expect(stderr).toMatch(/The API refused the key.*1 record is unsettled\.\nThe server is /)
  })

  it('ends if the server has never answered, and commits nothing', async () => {
    const { input, output, dead, args } = await newJob([{ value: '{"text":"shipping"}' }])
    using place = new Workplace()
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:2/v1' }
    const { code, stdout, stderr } = await start(place, [...args, '--max-attempts', '1', '--json'], env).ended
    expect(code).toBe(3)
    expect(stderr).toMatch(/The request .*\n.*connection.*\nThe server is http:\/\/127\.0\.0\.1:2\/v1\.\n/)
    expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', exitCode: 3, records: null })
    expect([await stored(output), await stored(dead)]).toEqual([0, 0])
    expect((await cluster.committedOffsets(args[6]!, input)).filter((offset) => offset > 0n)).toEqual([])
  })

  it('reports rejected records when the server fails, and respects the flags for the start, the text and the cache', async () => {
    const { input, output, dead, args } = await newJob([{ value: 'shipping number 0' }])
    using place = new Workplace()
    const flags = ['--format', 'lines', '--start-from', 'latest', '--cache', 'c.db', '--max-attempts', '1']
    const server = await startRecordingServer({})
    const run = start(place, [...args, ...flags], { OPENAI_BASE_URL: server.baseURL })
    await expect.poll(() => run.output.stderr).toContain(`Reads ${input} 0, 1, 2, 3\n`)
    // The worker reports this before it has asked for the latest offset.
    const more = async () => {
      await cluster.produce(input, [{ value: 'shipping number 1' }])
      return stored(output)
    }
    await expect.poll(more, { interval: 300 }).toBeGreaterThan(1)
    const values = (await cluster.readAll(output)).map(({ value }) => value)
    expect(new Set(values)).toEqual(new Set(['{"text":"shipping number 1","label":"shipping"}']))
    expect([...server.asked]).toEqual([[1, 1]])
    await server[Symbol.asyncDispose]()
    await cluster.produce(input, [{ value: 'shipping number 2' }])
    await expect.poll(() => stored(dead)).toBe(1)
    run.child.kill('SIGTERM')
    const { code, stderr } = await run.ended
    expect(code).toBe(0)
    const [letter] = await cluster.readAll(dead)
    expect(stderr).toContain(`The first rejected with request_failed: ${letter!.key}: The request `)
  })

  it('has an example in its help that works', async () => {
    const names = new Map(
      ['topics', 'group', 'output-topic', 'dead-letter-topic'].map((flag) => [flag, cluster.newName(flag)]),
    )
    const [input = '', , output = '', dead = ''] = names.values()
    await Promise.all([input, output, dead].map((topic) => cluster.createTopic(topic, 1)))
    await cluster.produce(input, [{ value: '{"text":"Where is my card?"}' }])
    using place = new Workplace()
    const env = place.install()
    rmSync(`${place.path}/labels.txt`)
    let example = (await exampleOf('kafka')).replace('localhost:9092', cluster.brokers.join())
    // A real cluster may have the topics of the example from an earlier run.
    for (const [flag, name] of names) example = example.replace(new RegExp(`(--${flag}) \\S+`), `$1 ${name}`)
    expect(example).toContain('  llm-pack-stream kafka ')
    const shell = spawn('bash', ['-ec', example], { cwd: place.path, env, detached: true })
    let errors = ''
    shell.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const ended = once(shell, 'close')
    await expect.poll(() => stored(output)).toBeGreaterThan(0)
    process.kill(-(shell.pid ?? NaN), 'SIGINT')
    await ended
    expect(errors).toContain('1 fulfilled, 0 rejected, 0 dropped, 0 unfinished')
    const [result] = await cluster.readAll(output)
    expect(result).toMatchObject({
      key: `${input}:0:0`,
      value: '{"text":"Where is my card?","label":"card"}',
    })
  })
})
