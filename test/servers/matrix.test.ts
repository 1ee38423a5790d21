import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../helpers/run.ts'
import { play, recordsFor, startStandIn, type StandIn } from './play.ts'
import { servers, waysOfTrying } from './row.ts'
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
  /** All tables of the page, as rows of cells. The first row is the head. */
  const tables = Array.from(page.matchAll(/(?:^\|.*\n)+/gm), ([text]) => {
    const lines = text.trim().split('\n')
    const cells = (line: string) => line.split('|').slice(1, -1)
    return lines.toSpliced(1, 1).map((line) => cells(line).map((cell) => cell.trim()))
  })
  const [toSet = [], becomes = [], ...grids] = tables
  const firstOf = (table: readonly string[][]) => table.slice(1).map(([name]) => name)

  it('says what to set for each kind of server, and what the stream makes of each quirk', () => {
    expect(firstOf(toSet)).toEqual(servers)
    expect(firstOf(becomes).toSorted()).toEqual([...new Set(rows.map(({ quirk }) => quirk))].toSorted())
  })

  it('names the servers and quirks that have a test, and how each is known', () => {
    const shown = grids.flatMap(([head = [], ...lines]) =>
      lines.flatMap(([quirk = '', ...cells]) =>
        cells.map((cell, i) => `${head[i + 1]}, ${quirk}: ${cell}`).filter((text) => !text.endsWith(': ')),
      ),
    )
    const tested = servers.flatMap((server) => {
      const own = Map.groupBy(
        rows.filter((row) => row.server === server),
        ({ quirk }) => quirk,
      )
      return Array.from(own, ([quirk, found]) => {
        const ways = Object.entries(waysOfTrying).filter(([way]) => found.some((row) => row.triedOn === way))
        return `${server}, ${quirk}: ${ways.map(([, letter]) => letter).join(' ')}`
      })
    })
    expect(shown.toSorted()).toEqual(tested.toSorted())
    expect(grids.flatMap(([head = []]) => head.slice(1))).toEqual(servers)
  })
})
