import { expect, it } from 'vitest'
import type { ElementEvent, RequestEndEvent, RequestStartEvent, Stats } from '../../../src/index.ts'
import { Histogram } from '../../../src/cli/measure/histogram.ts'
import { Recorder } from '../../../src/cli/measure/recorder.ts'
import { runRecord } from '../../../src/cli/measure/run-record.ts'

function recording() {
  const clock = { now: 1_000_000 }
  const stats = {
    records: { read: 0, fulfilled: 0, rejected: 0, unsettled: 0 },
    tokens: { input: 0, cached: 0, output: 0 },
    cost: undefined as number | undefined,
  }
  const firstToken = new Histogram()
  const recorder = new Recorder(
    () => stats as unknown as Stats,
    firstToken,
    () => clock.now,
  )
  return {
    ...{ clock, stats, recorder, firstToken },
    start: (request: number, records: number, isRetry = false) => {
      recorder.started({ request, records, isRetry } as RequestStartEvent)
    },
    element: (request: number, kind: ElementEvent['kind'] = 'fulfilled') => {
      recorder.element({ request, kind } as ElementEvent)
    },
    end: (request: number) => {
      recorder.ended({ request } as RequestEndEvent)
    },
  }
}

it('packs and latencies are those of the requests', () => {
  const { clock, recorder, firstToken, start, element, end } = recording()
  firstToken.add(350)
  start(1, 25)
  clock.now += 300
  start(2, 7, true)
  clock.now += 100
  element(1, 'invalid')
  element(1)
  recorder.outcome({ status: 'rejected' })
  clock.now += 100
  recorder.outcome({ status: 'fulfilled' })
  element(1)
  element(2)
  end(1)
  // It came after the end of its request, as no element does.
  element(1)
  end(2)
  const { packs, latency, firstResult, startedAt } = recorder.recorded()
  expect(packs).toEqual({ first: [[25, 1]], again: [[7, 1]] })
  expect(firstResult).toBe(500)
  expect(startedAt).toBe('1970-01-01T00:16:40.000Z')
  expect(latency.firstToken).toMatchObject({ count: 1, p50: 350 })
  expect(latency.firstResult).toMatchObject({ count: 2 })
  expect(latency.eachResult).toMatchObject({ count: 3 })
  expect(latency.eachResult?.most).toBeCloseTo(500, -1)
})

it('the time of pauses counts once, and not beyond now', () => {
  const { clock, recorder } = recording()
  const waited = () => recorder.recorded().series.at(-1)?.waited
  recorder.waits({ until: clock.now + 1_000 })
  clock.now += 400
  expect(waited()).toBe(400)
  // The same pause lasts longer.
  recorder.waits({ until: clock.now + 2_000 })
  clock.now += 5_000
  expect(waited()).toBe(2_400)
  recorder.waits({ until: clock.now + 100 })
  clock.now += 1_000
  expect(waited()).toBe(2_500)
})

it('the series has the sums of the stream, in bounded memory', () => {
  const { clock, stats, recorder, firstToken, start, end } = recording()
  for (let i = 1; i <= 5_000; i++) {
    start(i, 10)
    clock.now += 50
    stats.records.fulfilled += 10
    stats.tokens.input += 100
    stats.cost = stats.tokens.input / 1e6
    end(i)
    firstToken.add(20)
  }
  const recorded = recorder.recorded()
  expect(recorded.series.length).toBeLessThanOrEqual(200)
  expect(recorded.series.at(-1)).toMatchObject({ t: 250_000, fulfilled: 50_000, input: 500_000, cost: 0.5 })
  expect(recorded.series[0]).toMatchObject({ t: 0, fulfilled: 0 })
  expect(recorded.latency.firstToken?.ranges).toEqual([[expect.any(Number), expect.any(Number), 5_000]])
  const shape = runRecord.pick({
    startedAt: true,
    firstResult: true,
    series: true,
    packs: true,
    latency: true,
  })
  expect(shape.parse(JSON.parse(JSON.stringify(recorded)))).toEqual(JSON.parse(JSON.stringify(recorded)))
})
