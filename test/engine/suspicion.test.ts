import { describe, expect, it } from 'vitest'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import { Suspicion } from '../../src/engine/suspicion.ts'
import { RequestError } from '../../src/record/errors.ts'

const error = new RequestError('api_error', 'x')
const REFUSED: RequestEnd = { kind: 'refused_request', code: 'bad_request', message: 'x', error }
const COMPLETE: RequestEnd = { kind: 'complete' }
const FAILURE: RequestEnd = { kind: 'failure', retryAfter: undefined, error }

describe('a refused request', () => {
  const last = (...ends: readonly [RequestEnd, number][]): RequestEnd | undefined => {
    const suspicion = new Suspicion()
    const judged = ends.flatMap(([end, count]) => Array<RequestEnd>(count).fill(end))
    return judged.map((end) => suspicion.judge({ end, elements: 0 }).end).at(-1)
  }

  it.each<[what: string, ends: [RequestEnd, number][], kind: string]>([
    ['the first request of all', [[REFUSED, 1]], 'fatal'],
    [
      'after an accepted request',
      [
        [COMPLETE, 1],
        [REFUSED, 1],
      ],
      'refused_request',
    ],
    [
      'the 21st in a row',
      [
        [COMPLETE, 1],
        [REFUSED, 15],
        [FAILURE, 3],
        [REFUSED, 6],
      ],
      'fatal',
    ],
    [
      'with an accepted request in between',
      [
        [COMPLETE, 1],
        [REFUSED, 25],
        [COMPLETE, 1],
        [REFUSED, 1],
      ],
      'refused_request',
    ],
  ])('%s: %s', (_what, ends, kind) => {
    expect(last(...ends)).toMatchObject({ kind, ...(kind === 'fatal' ? { code: 'bad_request' } : {}) })
  })
})
