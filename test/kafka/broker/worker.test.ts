import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from 'llm-pack-stream'
import { KafkaSource, type KafkaRecord } from 'llm-pack-stream/kafka'
import { expect, it } from 'vitest'
import { gate, patient } from '../../helpers/collect.ts'
import { Fetches } from '../../helpers/fetches.ts'
import { KafkaJob } from '../../helpers/kafka-job.ts'
import { kafkaTests } from '../../helpers/kafka.ts'
import { answerOf, echo, scriptedClient } from '../../helpers/scripted-client.ts'

/** Texts `0`, `1`, and so on. The partitions take turns. */
const texts = (count: number, partitions = 4) =>
  Array.from({ length: count }, (_, i) => ({ partition: i % partitions, key: `key ${i}`, value: String(i) }))

kafkaTests('a worker', (cluster) => {
  it("produces the result of each record with the record's id as the key, and commits", async () => {
    const job = await KafkaJob.start(cluster, texts(200))
    const worker = job.worker(scriptedClient(echo))
    await expect.poll(() => job.committed()).toEqual([50n, 50n, 50n, 50n])
    const summary = await worker.stop()
    expect(summary).toMatchObject({ fulfilled: 200, rejected: 0, dropped: 0, unfinished: 0 })
    expect(summary.stats.records.read).toBe(200)
    // Packs of 10. On a busy machine a pack may leave before it is full.
    expect(summary.stats.requests).toBeGreaterThanOrEqual(20)
    const results = await job.results()
    const numberOf = ([, partition, offset]: string[]) => Number(offset) * 4 + Number(partition)
    expect(results.map(({ key }) => numberOf(key?.split(':') ?? [])).sort((a, b) => a - b)).toEqual([
      ...Array(200).keys(),
    ])
    for (const { key, value, headers } of results) {
      const number = numberOf(key?.split(':') ?? [])
      expect(value).toBe(`"${number}"`)
      expect(key).toBe(job.id(number % 4, Math.floor(number / 4)))
      expect(headers).toEqual({
        'llm-pack-stream.source.topic': job.input,
        'llm-pack-stream.source.partition': String(number % 4),
        'llm-pack-stream.source.offset': String(Math.floor(number / 4)),
        'llm-pack-stream.source.key': `key ${number}`,
      })
    }
    expect(worker.events.map(({ type }) => type)).toEqual(['assigned'])
  })

  it('puts rejected records into the dead-letter topic, unchanged and with the reason, and goes on', async () => {
    const poison = { partition: 0, key: 'k', value: 'poison', headers: { trace: 'abc' } }
    const job = await KafkaJob.start(cluster, [
      ...texts(30, 1),
      poison,
      { partition: 0, value: null },
      ...texts(30, 1),
    ])
    const refusing = scriptedClient((call) =>
      call.records.some(({ text }) => text === 'poison') ? { refusal: 'No.' } : echo(call),
    )
    const worker = job.worker(refusing)
    await expect.poll(async () => (await job.committed())[0]).toBe(62n)
    expect(await worker.stop()).toMatchObject({ fulfilled: 60, rejected: 2 })
    const bySource = (await job.deadLetters()).toSorted(
      (a, b) => Number(a.key === job.id(0, 31)) - Number(b.key === job.id(0, 31)),
    )
    expect(bySource).toMatchObject([
      {
        key: job.id(0, 30),
        value: 'poison',
        headers: {
          trace: 'abc',
          'llm-pack-stream.source.topic': job.input,
          'llm-pack-stream.source.partition': '0',
          'llm-pack-stream.source.offset': '30',
          'llm-pack-stream.source.key': 'k',
          'llm-pack-stream.error.code': 'refused',
          'llm-pack-stream.error.message': expect.stringMatching(/: No\.$/) as string,
          'llm-pack-stream.error.attempts': expect.stringMatching(/^[1-9]$/) as string,
        },
      },
      {
        key: job.id(0, 31),
        value: null,
        headers: {
          'llm-pack-stream.error.code': 'invalid_record',
          'llm-pack-stream.error.message': expect.stringMatching(/: a tombstone has no text$/) as string,
        },
      },
    ])
    expect(await job.results()).toHaveLength(60)
  })

  it('reads only a limited number of records past a slow record, and commits none past it; other partitions go on', async () => {
    const job = await KafkaJob.start(cluster, texts(400, 2), 2)
    const { opened, open } = gate()
    // The model gives no result for one of the records, and does not answer when that record is
    // sent alone.
    const isSlow = ({ text }: { text: string }) => text === '40'
    const slow = scriptedClient(async (call) => {
      if (call.records.every(isSlow)) await opened
      const records = call.records.length === 1 ? call.records : call.records.filter((one) => !isSlow(one))
      return { text: answerOf({ records }, ({ text }) => text) }
    })
    const worker = job.worker(slow, { maxUncommitted: 60 })
    // In partition 0, the slow record is at offset 20.
    await expect.poll(async () => (await job.committed())[1]).toBe(200n)
    const [committed] = await job.committed()
    expect(committed).toBeLessThanOrEqual(20n)
    const asked = slow.calls.flatMap(({ records }) => records).map(({ text }) => Number(text))
    const ofPartition0 = new Set(asked.filter((number) => number % 2 === 0))
    expect(ofPartition0.size).toBeLessThanOrEqual(Number(committed) + 60)
    expect(ofPartition0.size).toBeGreaterThan(20)
    open()
    await expect.poll(() => job.committed()).toEqual([200n, 200n])
    expect(await worker.stop()).toMatchObject({ fulfilled: 400 })
  })

  it('finishes its records when it is stopped, so that the next worker repeats no record', async () => {
    const job = await KafkaJob.start(cluster, texts(2_000))
    const client = scriptedClient(async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return echo(call)
    })
    const first = job.worker(client, {}, patient.linger)
    await expect.poll(() => client.calls.length).toBeGreaterThan(20)
    const summary = await first.stop()
    expect(summary).toMatchObject({ dropped: 0, unfinished: 0 })
    expect(summary.fulfilled).toBeGreaterThan(200)
    expect(summary.fulfilled).toBeLessThan(2_000)
    expect((await job.committed()).reduce((sum, offset) => sum + Number(offset), 0)).toBe(summary.fulfilled)
    const second = job.worker(client)
    await expect.poll(() => job.committed()).toEqual([500n, 500n, 500n, 500n])
    await second.stop()
    expect(new Set((await job.results()).map(({ key }) => key)).size).toBe(2_000)
    expect(await job.results()).toHaveLength(2_000)
    expect(client.calls.flatMap(({ records }) => records)).toHaveLength(2_000)
  })

  it('aborts unfinished records when the time to stop is over, reports them, and leaves them to the next worker', async () => {
    const job = await KafkaJob.start(cluster, texts(20, 1), 1)
    const signals: AbortSignal[] = []
    const hanging = scriptedClient(async (call) => {
      if (!call.records.some(({ text }) => text === '15')) return echo(call)
      signals.push(call.signal)
      return new Promise((_, reject) => {
        call.signal.addEventListener('abort', () => {
          reject(new Error('aborted'))
        })
      })
    })
    const worker = job.worker(hanging, { stopTimeout: 200 }, patient.linger)
    await expect.poll(async () => (await job.committed())[0]).toBe(10n)
    expect(await worker.stop()).toMatchObject({ fulfilled: 10, rejected: 0, unfinished: 10 })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    const next = job.worker(scriptedClient(echo))
    await expect.poll(async () => (await job.committed())[0]).toBe(20n)
    await next.stop()
    expect(await job.results()).toHaveLength(20)
  })

  it('commits its start at the end of a topic, so that a crash loses no new record', async () => {
    const job = await KafkaJob.start(cluster, texts(5, 1), 1)
    const hanging = scriptedClient(() => new Promise(() => undefined))
    const worker = job.worker(hanging, { startFrom: 'latest', stopTimeout: 100 }, patient.linger)
    await expect.poll(() => job.committed()).toEqual([5n])
    await cluster.produce(job.input, texts(10, 1))
    await expect.poll(() => hanging.calls.length).toBe(1)
    expect(await worker.stop()).toMatchObject({ fulfilled: 0, unfinished: 10 })
    const next = job.worker(scriptedClient(echo), { startFrom: 'latest' })
    await expect.poll(() => job.committed()).toEqual([15n])
    await next.stop()
    expect(await job.results()).toHaveLength(10)
  })

  it('puts a record whose result cannot become a message into the dead-letter topic', async () => {
    const job = await KafkaJob.start(cluster, texts(10, 1), 1)
    const worker = job.worker(scriptedClient(echo), {
      serialize: ({ value }) => {
        if (value === '3') throw new TypeError('no threes')
        return value === '4' ? (undefined as never) : value
      },
    })
    await expect.poll(() => job.committed()).toEqual([10n])
    expect(await worker.stop()).toMatchObject({ fulfilled: 8, rejected: 2 })
    const code = 'invalid_output'
    expect(await job.deadLetters()).toMatchObject([
      {
        ...{ key: job.id(0, 3), value: '3' },
        headers: {
          'llm-pack-stream.error.code': code,
          'llm-pack-stream.error.message': expect.stringMatching(/: no threes$/) as string,
        },
      },
      { key: job.id(0, 4), value: '4', headers: { 'llm-pack-stream.error.code': code } },
    ])
  })

  it('reports a record before it goes to the dead letters, and ends instead if the listener throws', async () => {
    const job = await KafkaJob.start(cluster, [{ value: null }], 1)
    const worker = job.worker(scriptedClient(echo), {
      onEvent: (event) => {
        if (event.type === 'rejected') throw new Error(`${event.record.offset}: ${event.reason.code}`)
      },
    })
    await expect(worker.done).rejects.toThrow(/^0: invalid_record$/)
    expect(await job.deadLetters()).toEqual([])
    expect(await job.committed()).not.toContain(1n)
  })

  it('reads and fetches only the allowed number of records while no consumer takes outcomes', async () => {
    const job = await KafkaJob.start(cluster, texts(4_000))
    using fetches = new Fetches()
    const { connection, groupId, topics, sessionTimeout = 0, heartbeatInterval = 0 } = job.options
    const source = new KafkaSource({ connection, groupId, topics, sessionTimeout, heartbeatInterval })
    const client = scriptedClient(echo)
    const stream = job.stream(client)
    const { opened, open } = gate()
    let taken = 0
    const piped = pipeline(source, stream, async (outcomes: AsyncIterable<Outcome<KafkaRecord, string>>) => {
      for await (const { record } of outcomes) {
        taken += 1
        source.tracker.finish(record)
        await opened
        if (taken === 4_000) source.stop()
      }
    })
    await expect.poll(() => taken).toBe(1)
    await fetches.quiet()
    const { count } = fetches
    const asked = client.calls.length
    await sleep(2_000)
    expect({ count: fetches.count, asked: client.calls.length }).toEqual({ count, asked })
    expect(asked).toBeLessThan(20)
    open()
    await piped
    await source.leave()
    expect(taken).toBe(4_000)
    expect(await job.committed()).toEqual([1_000n, 1_000n, 1_000n, 1_000n])
  })

  it('ends with a fatal error of the stream, and commits the finished records first', async () => {
    const job = await KafkaJob.start(cluster, texts(40, 1), 1)
    const client = scriptedClient((call) => {
      if (call.number < 2) return echo(call)
      throw Object.assign(new Error('no'), { status: 401 })
    })
    await expect(job.worker(client).done).rejects.toMatchObject({
      name: 'PackStreamError',
      code: 'not_authorized',
    })
    const [committed] = await job.committed()
    expect(await job.results()).toHaveLength(Number(committed === -1n ? 0n : committed))
  })

  it('produces the text that serialize makes from the result', async () => {
    const job = await KafkaJob.start(cluster, texts(10, 1), 1)
    const worker = job.worker(
      scriptedClient((call) => ({ text: answerOf(call, ({ text }) => `${text}!`) })),
      { serialize: ({ record, value, attempts }) => `${record.key?.toString()} ${value} ${attempts}` },
    )
    await expect.poll(async () => (await job.committed())[0]).toBe(10n)
    await worker.stop()
    expect((await job.results()).map(({ value }) => value).sort()[3]).toBe('key 3 3! 1')
  })

  it('names a missing topic at the start', async () => {
    const job = await KafkaJob.start(cluster, [], 1)
    const missing = cluster.missingTopic()
    for (const options of [
      { topics: [job.input, missing] },
      { outputTopic: missing },
      { deadLetterTopic: missing },
    ]) {
      const { done } = job.worker(scriptedClient(echo), options)
      await expect(done).rejects.toThrow(`There is no topic '${missing}'`)
    }
  })

  it('stops in time if the cluster accepts connections and never answers', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const job = await KafkaJob.start(cluster, [], 1)
    const connection = { bootstrapBrokers: [`127.0.0.1:${port}`] }
    const worker = job.worker(scriptedClient(echo), { connection, stopTimeout: 100 })
    await sleep(500)
    const began = performance.now()
    await worker.stop().catch(() => undefined)
    // 100 ms to finish and 5 s to leave. The client alone would wait for minutes.
    expect(performance.now() - began).toBeLessThan(30_000)
    silent.close()
  })

  it('reports a missing cluster at the start', async () => {
    const job = await KafkaJob.start(cluster, [], 1)
    const connection = { bootstrapBrokers: ['127.0.0.1:1'], retries: 0 }
    await expect(job.worker(scriptedClient(echo), { connection }).done).rejects.toThrow(
      'Could not reach Kafka at 127.0.0.1:1: ',
    )
  })
})
