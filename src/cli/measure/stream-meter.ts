import { subscribe } from 'node:diagnostics_channel'
import type { RequestEndEvent } from '../../index.ts'
import { Meter } from './meter.ts'

/** Measures the requests of a stream, for `plan --measured`. */
export function meterOf(stream: object): Meter {
  const meter = new Meter()
  subscribe('llm-pack-stream:request:end', (message) => {
    const { stream: whose, duration, firstToken, usage, settled } = message as RequestEndEvent
    if (whose === stream) meter.add({ duration, firstToken, output: usage?.output, records: settled })
  })
  return meter
}
