import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../helpers/run.ts'
import { play, recordsFor, startStandIn, type StandIn } from './play.ts'
import { servers, waysOfTrying, type TriedOn } from './row.ts'
import { rows } from './rows.ts'
import { formatOf } from './wire.ts'

let standIn: StandIn
beforeAll(async () => {
  standIn = await startStandIn()
})
afterAll(() => standIn[Symbol.asyncDispose]())

describe.each(servers)('%s', (server) => {
  const own = rows.filter((row) => row.server === server)
  it.each(own.map((row) => [`${row.quirk}: ${row.source}`, row] as const))('%s', async (_title, row) => {
    const { expected } = row
    const { outcomes, requests, stats, error } = await play(row, standIn)

    expect(error?.code, error?.message).toBe(expected.fatal)
    // Each record has one outcome, and never a neighbour's answer.
    const all = expected.fatal === undefined ? recordsFor(row) : []
    expect(
      outcomes
        .toSorted((a, b) => a.index - b.index)
        .map((outcome) => [
          outcome.record,
          outcome.status === 'fulfilled' ? outcome.value.label : outcome.reason.code,
        ]),
    ).toEqual(all.map((text) => [text, expected.rejected?.[text] ?? text]))

    expect(requests.map(({ records }) => records.length)).toEqual(expected.requests)
    expect(requests).toHaveLength(stats.requests)
    expect(stats.answers.wrapped).toBe(expected.wrapped ?? 0)
    if (expected.waits !== undefined) {
      const waited = requests[1]!.at - requests[0]!.at
      expect(waited).toBeGreaterThanOrEqual(expected.waits)
      expect(waited).toBeLessThan(expected.waits + 1_000)
    }
    if (expected.formats) {
      expect(requests.map(formatOf)).toEqual(expected.formats)
      // A server that does not get the schema as a field gets it in the prompt.
      const prompts = requests.map(({ body }) => JSON.stringify(body['messages']))
      expect(prompts.map((prompt) => prompt.includes('label'))).toEqual(
        expected.formats.map((format) => format !== 'json_schema'),
      )
    }
    for (const field of expected.with ?? []) expect(requests.at(-1)!.body).toHaveProperty(field)
    for (const field of expected.without ?? []) expect(requests.at(-1)!.body).not.toHaveProperty(field)
    if (expected.tokens) {
      const { input, output, estimated } = stats.tokens
      expect([input, output, estimated]).toEqual([...expected.tokens, 0])
    }
    if (expected.responseId !== undefined) {
      expect(outcomes.map(({ pack }) => pack?.responseId)).toEqual(all.map(() => expected.responseId))
    }
  })
})

describe('docs/servers.md', () => {
  const page = readFileSync(join(root, 'docs/servers.md'), 'utf8')
  /** The cells of the table below a heading, without its head. */
  const table = (heading: string) =>
    page
      .split(`\n## ${heading}\n`)[1]!
      .split('\n## ')[0]!
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(2)
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )

  it('has a row for each kind of server', () => {
    expect(table('What to set').map(([name]) => name)).toEqual(servers)
  })

  it('has a row for each quirk, and names the servers whose quirk has a test, and how it is known', () => {
    const quirks = [...new Set(rows.map(({ quirk }) => quirk))]
    const known = (quirk: string, triedOn: TriedOn): string => {
      const found = rows.filter((row) => row.quirk === quirk && row.triedOn === triedOn)
      return servers.filter((server) => found.some((row) => row.server === server)).join(', ')
    }
    const shown = table('What was tried').map(([quirk, , ...cells]) => [quirk, ...cells])
    const tested = quirks.map((quirk) => [quirk, ...waysOfTrying.map((way) => known(quirk, way))])
    expect(shown.toSorted()).toEqual(tested.toSorted())
  })
})
