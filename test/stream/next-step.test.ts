import { describe, expect, it } from 'vitest'
import { isInputOver, nextStep, type NextStep, type StreamState } from '../../src/stream/next-step.ts'

/**
 * A stream in the middle of its work: a record waits for its callback, and there is room for it.
 */
const AT_WORK: StreamState = {
  ...{ isWindowFull: false, isFlushed: false, isEnding: false, hasEnded: false },
  ...{ isSettled: false, isLookingUp: false, unstored: 0, mostUnstored: 10 },
  ...{ hasWriter: true, isBlocked: false },
  ...{ engineWantsMore: true, isStopped: false, isIdle: false, inFlight: 1 },
}
/** A stream whose input has ended and whose records have all left. */
const DONE: StreamState = {
  ...{ ...AT_WORK, hasWriter: false, isEnding: true, hasEnded: true },
  ...{ isSettled: true, isIdle: true, inFlight: 0 },
}
/** A stream that sends nothing more, and whose last request has ended. */
const STOPPED: StreamState = { ...AT_WORK, isStopped: true, isIdle: true, inFlight: 0 }

describe('the next step', () => {
  it.each<[string, StreamState, Partial<StreamState>, NextStep]>([
    ['lets the next record in', AT_WORK, {}, 'read'],
    ['has no record to let in', AT_WORK, { hasWriter: false }, 'wait'],
    ['waits for the cache', AT_WORK, { isLookingUp: true }, 'wait'],
    ['waits while a full pack waits to leave', AT_WORK, { engineWantsMore: false }, 'wait'],
    ['waits for the consumer', AT_WORK, { isBlocked: true }, 'wait'],
    ['waits while the window is full', AT_WORK, { isWindowFull: true }, 'wait'],
    ['waits for a store that is a window behind', AT_WORK, { unstored: 10 }, 'wait'],
    ['reads while the store is less behind', AT_WORK, { unstored: 9 }, 'read'],

    ['ends', DONE, {}, 'end'],
    ['waits for the usage of the last answers', DONE, { inFlight: 1, isIdle: false }, 'await usage'],
    ['does not end before the store has all values', DONE, { unstored: 1 }, 'wait'],
    ['waits for the usage before the store', DONE, { inFlight: 1, unstored: 1 }, 'await usage'],
    ['does not end before every record has left', DONE, { isSettled: false }, 'wait'],
    ['does not end while the cache is looking up', DONE, { isLookingUp: true }, 'wait'],
    ['does not end before Node says that the input has ended', DONE, { isEnding: false }, 'wait'],

    ['fails', STOPPED, {}, 'fail'],
    ['does not read after a stop', STOPPED, { inFlight: 1, isIdle: false }, 'wait'],
    ['does not fail while a request keeps its slot', STOPPED, { isIdle: false }, 'wait'],
    ['does not fail while the cache is looking up', STOPPED, { isLookingUp: true }, 'wait'],
    ['fails although every record has left, if more may come', STOPPED, { isSettled: true }, 'fail'],
    ['fails although the input has ended, if a record has not left', STOPPED, { hasEnded: true }, 'fail'],
    ['ends after a stop that came too late', DONE, { isStopped: true }, 'end'],
    ['waits for Node to end after such a stop', DONE, { isStopped: true, isEnding: false }, 'wait'],
  ])('%s', (_what, state, change, step) => {
    expect(nextStep({ ...state, ...change })).toBe(step)
  })
})

describe('the input is over', () => {
  it.each<[string, boolean, Partial<StreamState>]>([
    ['not while records come', false, {}],
    ['once Node has ended it', true, { isEnding: true }],
    ['while the window is full', true, { isWindowFull: true }],
    ['at the record before a flush', true, { isFlushed: true }],
    ['not before the cache has answered for that record', false, { isFlushed: true, isLookingUp: true }],
  ])('%s: %s', (_what, isOver, change) => {
    expect(isInputOver({ ...AT_WORK, ...change })).toBe(isOver)
  })
})
