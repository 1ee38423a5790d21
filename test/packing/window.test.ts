import { describe, expect, it } from 'vitest'
import { Window } from '../../src/packing/window.ts'

describe('the window', () => {
  it('is full at its size, and has room again when a quarter of it is free', () => {
    const window = new Window(10)
    const isFull = [0, 9, 10, 12, 9, 8, 7, 9, 10, 8].map((records) => window.isFull(records))
    expect(isFull).toEqual([false, false, true, true, true, true, false, false, true, true])
  })

  it('of one place is full with one record', () => {
    const window = new Window(1)
    expect([0, 1, 0, 1].map((records) => window.isFull(records))).toEqual([false, true, false, true])
  })
})
