import fc from 'fast-check'
import { type Answer, type Call } from './scripted-client.ts'

/** A request, as far as a fault needs it. */
export type Asked = Pick<Call, 'number' | 'records'>

/** A fault in one answer. `at` chooses a record or a place to cut. */
export const faults = [
  'none',
  'missing',
  'invalid',
  'repeated',
  'unknown',
  'shuffled',
  'swapped id',
  'length',
  'silent end',
  'stall',
  'whitespace',
  'repeating',
  'reset',
  'rate limit within',
  'refusal',
  'content_filter',
  'context',
  'not json',
  'empty',
  'server error',
  'rate limit',
] as const
export type Fault = { kind: (typeof faults)[number]; at: number }

export function faulty(call: Asked, { kind, at }: Fault): Answer {
  const elements: { id: unknown; value: unknown }[] = call.records.map(({ id, text }) => ({
    id,
    value: text,
  }))
  const victim = at % elements.length
  switch (kind) {
    case 'missing':
      elements.splice(victim, 1)
      break
    case 'invalid':
      elements[victim]!.value = 42
      break
    case 'repeated':
      elements.push({ ...elements[victim]!, value: 'again' })
      break
    case 'unknown':
      elements.splice(victim, 0, { id: -1 - at, value: 'whose?' }, { id: 'x', value: 'whose?' })
      break
    case 'shuffled':
      elements.reverse()
      break
    // A model that skips a record and shifts the others. The one repeated id shows this.
    case 'swapped id':
      elements[victim]!.id = elements[(victim + 1) % elements.length]!.id
      break
    case 'context':
      throw Object.assign(new Error('400'), { status: 400, code: 'context_length_exceeded' })
    case 'rate limit':
      throw Object.assign(new Error('429'), { status: 429, headers: { 'retry-after-ms': `${at / 10}` } })
    case 'server error':
      throw Object.assign(new Error('500'), { status: 500, headers: { 'retry-after-ms': '0' } })
  }
  const text = `{"results":[${elements.map((element) => JSON.stringify(element)).join(',')}]}`
  const cut = text.slice(0, at % text.length)
  switch (kind) {
    case 'length':
      return { text: cut, finishReason: 'length' }
    case 'silent end':
      return { text: cut, finishReason: null, usage: null }
    case 'stall':
      return { text: stall(cut) }
    case 'whitespace':
      return { text: endless(cut, '\n'.repeat(100)) }
    case 'repeating':
      return { text: endless('{"results":[', `${JSON.stringify(elements[victim])},`) }
    case 'reset':
      return { text: broken(cut, new TypeError('terminated')) }
    case 'rate limit within':
      return { text: broken(cut, Object.assign(new Error('429'), { code: 'rate_limit_exceeded' })) }
    case 'refusal':
      return { refusal: 'No.' }
    case 'content_filter':
      return { text: cut, finishReason: 'content_filter' }
    case 'not json':
      return { text: `${cut}\u0000` }
    case 'empty':
      return { text: '' }
    default:
      return { text: piecesOf(text, at) }
  }
}

function* broken(text: string, error: Error): Generator<string> {
  yield text
  throw Object.assign(error, { headers: { 'retry-after-ms': '0' } })
}

async function* stall(text: string): AsyncGenerator<string> {
  yield text
  await new Promise(() => undefined)
}

function* endless(text: string, more: string): Generator<string> {
  yield text
  for (let i = 0; i < 1_000; i++) yield more
  throw new Error('The stream did not stop the answer')
}

function* piecesOf(text: string, seed: number): Generator<string> {
  const size = 1 + (seed % 11)
  for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size)
}

/** A fault for each of the first answers. */
export const plan = fc.array(fc.record({ kind: fc.constantFrom(...faults), at: fc.nat(400) }), {
  minLength: 1,
  maxLength: 12,
})

/** Options of a stream that every plan of faults is tried with. */
export const streamOptions = {
  maxPackRecords: fc.integer({ min: 1, max: 9 }),
  maxInFlight: fc.integer({ min: 1, max: 4 }),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  preserveOrder: fc.boolean(),
  highWaterMark: fc.integer({ min: 0, max: 8 }),
  idleTimeout: fc.constantFrom(100, 1_000),
}
