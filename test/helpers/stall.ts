import { afterAll, beforeEach } from 'vitest'

/** Readings of the clock, from the first of a test, before one of which the process stalls. */
const READINGS = 30

/**
 * With `STALL_MS=220`, the process gets no CPU for 220 ms once in each test, as on a busy machine.
 * It stalls before an early reading of the clock, because only the clock shows the stall to the
 * code. Fake clocks do not stall.
 */
const stallMs = Number(process.env['STALL_MS'] ?? 0)
if (stallMs > 0) {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  const now = performance.now.bind(performance)
  let readingsLeft = Infinity
  performance.now = () => {
    readingsLeft -= 1
    if (readingsLeft === 0) Atomics.wait(sleeper, 0, 0, stallMs)
    return now()
  }
  beforeEach(() => {
    readingsLeft = 1 + Math.floor(Math.random() * READINGS)
  })
  // The next file may run in the same process.
  afterAll(() => {
    performance.now = now
  })
}
