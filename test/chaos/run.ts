/**
 * Sends records through a server with all kinds of faults, with a slow consumer, and checks every
 * promise:
 *
 *     npm run chaos -- --records 1000000 --seed 7
 *
 * Options: `--records` (20000), `--seed` (1), `--fault-rate` (0.2; above 0.3, some records use up
 * their attempts by bad luck), `--api chat|responses`, `--sdk 7|6`, `--json`. Exits with 1 and
 * names the broken promise, or prints its figures. The same seed makes the same records and faults.
 */
import { getEventListeners } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import OpenAI from 'openai'
import OpenAI6 from 'openai-v6'
import { PackStream, type ChatClient, type ResponsesClient } from 'llm-pack-stream'
import { faultKinds, type FaultKind } from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { startSimulatorProcess } from '../helpers/simulator-process.ts'
import { randomFrom } from '../../src/simulator/faults/random.ts'
import { poisonOf, POISONS, textOf } from './records.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    'fault-rate': { type: 'string', default: '0.2' },
    api: { type: 'string', default: 'chat' },
    sdk: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  },
})
const count = Number(values.records)
const seed = Number(values.seed)
const api = values.api === 'responses' ? 'responses' : 'chat'

/** All kinds except refusals and filters, which the records themselves cause: see records.ts. */
const KINDS = faultKinds.filter((kind) => !['refusal', 'content_filter'].includes(kind))
const share = Number(values['fault-rate']) / KINDS.length
// A record that is cut twice although it is alone is rejected. So cuts are less frequent than other
// faults, or innocent records would be rejected.
const rateOf = (kind: FaultKind) => (kind === 'cut' ? share / 3 : share)

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))

const server = await startSimulatorProcess({
  latency: {
    timeToFirstToken: 5,
    promptTokensPerSecond: Infinity,
    outputTokensPerSecond: 20_000,
    slowdown: 0,
  },
  faults: {
    seed,
    rates: Object.fromEntries(KINDS.map((kind) => [kind, rateOf(kind)])),
    poison: Object.fromEntries(
      Object.keys(POISONS).map((poison) => [poison, new RegExp(`poison: ${poison} `)]),
    ),
    chunks: 'random',
  },
})

const Client = (values.sdk === '6' ? OpenAI6 : OpenAI) as typeof OpenAI
const client = new Client({ baseURL: server.baseURL, apiKey: 'simulator', logLevel: 'off' }) as ChatClient &
  ResponsesClient
const abort = new AbortController()
const stream = new PackStream({
  client,
  api,
  model: 'simulator',
  instructions: 'Repeat the beginning of each record.',
  schema: z.object({ text: z.string(), score: z.number() }),
  serialize: (text: string) => text,
  maxInFlight: 16,
  maxAttempts: 8,
  firstTokenTimeout: 5_000,
  // Longer than a busy machine keeps the server from writing.
  idleTimeout: 1_500,
  signal: abort.signal,
})

const random = randomFrom(seed)
function* records(): Generator<string> {
  for (let i = 0; i < count; i++) yield textOf(i, random)
}

const seen = new Uint8Array(count)
const rejected: Record<string, number> = {}
const innocent: string[] = []
let taken = 0
let lowest = Infinity
let highest = 0

function check(isRight: boolean, what: string): void {
  if (!isRight) throw new Error(`Broken with seed ${seed}: ${what}`)
}

const startedAt = performance.now()
let lastAt = startedAt
const watchdog = setInterval(() => {
  if (performance.now() - lastAt < 60_000) return
  console.error(`Broken with seed ${seed}: no outcome for a minute, after ${taken} of ${count}`)
  process.exit(1)
}, 1_000)
await pipeline(records(), stream, async (outcomes) => {
  for await (const outcome of outcomes) {
    const { index, record } = outcome
    check(seen[index] === 0, `record ${index} has two outcomes`)
    seen[index] = 1
    check(record.startsWith(`No. ${index}:`), `outcome ${index} has another record`)
    const poison = poisonOf(index)
    if (outcome.status === 'fulfilled') {
      check(outcome.value.text.startsWith(`No. ${index}:`), `record ${index} has a neighbour's value`)
      check(poison === undefined, `record ${index} was fulfilled although it is poisoned: ${String(poison)}`)
    } else {
      const { code } = outcome.reason
      rejected[code] = (rejected[code] ?? 0) + 1
      if (poison === undefined) innocent.push(`${index}: ${code}, ${outcome.attempts} attempts`)
      else check(code === POISONS[poison], `record ${index} was rejected with ${code}, it has ${poison}`)
    }
    taken += 1
    lastAt = performance.now()
    // A slow consumer that sometimes takes longer than every deadline.
    if (taken % 500 === 0) await sleep(random() * 10)
    if (taken === Math.floor(count / 2)) await sleep(2_000)
    if (taken % Math.ceil(count / 10) === 0) {
      globalThis.gc?.()
      const { heapUsed } = process.memoryUsage()
      lowest = Math.min(lowest, heapUsed)
      highest = Math.max(highest, heapUsed)
      if (!values.json)
        console.error(
          `${Math.round((performance.now() - startedAt) / 1_000)} s: ${taken} of ${count}, heap ${(heapUsed / 1e6).toFixed(1)} MB`,
        )
    }
  }
})
clearInterval(watchdog)
const seconds = (performance.now() - startedAt) / 1_000

const { stats } = stream
const served = await server.stats()
await server.stop()

check(seen.every(Boolean), 'a record has no outcome')
check(innocent.length === 0, `rejected, but could have succeeded: ${innocent.join('; ')}`)
check(stats.records.read === count && stats.records.unsettled === 0, 'the accounts of records')
// On a busy machine a request may meet its deadline before it arrives.
const lost = stats.requests - served.requests
check(lost >= 0 && lost <= stats.requests / 50, `${stats.requests} requests sent, ${served.requests} arrived`)
check(served.inFlight === 0, 'a request is left at the server')
check(stats.inFlight === 0, 'a request is left here')
check(unhandled.length === 0, `unhandled rejections: ${String(unhandled[0])}`)
check(getEventListeners(abort.signal, 'abort').length === 0, 'a listener is left on the signal')
// The machine decides which requests there are, and the requests decide their faults. A kind that
// is expected 20 times is absent in one run of 500 million.
const missed = KINDS.filter((kind) => !served.faults[kind] && rateOf(kind) * served.requests >= 20)
check(missed.length === 0, `faults that never happened: ${missed.join(', ')}`)

check(highest - lowest < 20e6, `the heap grew from ${lowest} to ${highest} bytes`)
// The resources that `fetch` keeps for a moment end by themselves.
await sleep(200)
const left = process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|TCP/.test(name))
check(left.length === 0, `left behind: ${left.join(', ')}`)

const tokens = stats.tokens.input + stats.tokens.output
const servedTokens = served.inputTokens + served.outputTokens
// If the API does not report the usage of a broken answer, the stream estimates it, without the
// part that it has not read. A busy machine breaks off more answers at their deadline.
const { estimated } = stats.tokens
check(
  Math.abs(tokens - servedTokens) < 0.05 * servedTokens + estimated,
  `${tokens} tokens booked, ${estimated} of them estimated, ${servedTokens} served`,
)
const unbooked = Object.entries(stats.tokens.wasted).filter(([, wasted]) => wasted === 0)
check(count < 200_000 || unbooked.length === 0, `nothing was booked as wasted by ${String(unbooked)}`)
const figures = {
  ...{ records: count, seed, api, seconds: round(seconds), recordsPerSecond: Math.round(count / seconds) },
  ...{ fulfilled: stats.records.fulfilled, rejected },
  ...{ packs: stats.packs, retries: stats.retries, rateLimited: stats.rateLimited },
  faults: served.faults,
  ...{ tokens, servedTokens, estimated, wasted: stats.tokens.wasted },
  heap: { lowest: round(lowest / 1e6), highest: round(highest / 1e6) },
}
console.log(values.json ? JSON.stringify(figures) : figures)

function round(value: number): number {
  return Math.round(value * 10) / 10
}
