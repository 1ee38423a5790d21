import type { RunRecord } from '../../../src/cli/measure/run-record.ts'
import { Contents, type ResultRow } from '../../../src/cli/page/contents.ts'
import { makePage } from '../../../src/cli/page/page.ts'

/** A run of 100 s. */
export const run: RunRecord = {
  ...{ startedAt: '2026-11-30T18:00:00.000Z', seconds: 100, status: 'complete', exitCode: 0 },
  command: "llm-pack-stream run in.csv --prompt 'Say <what>'",
  ...{ version: '0.1.0', server: 'https://api.example/v1', settings: { model: 'a-model' } },
  resultColumns: ['label'],
  records: { done: 1_000, fulfilled: 990, rejected: 10, earlier: 0 },
  requests: { sent: 50, retries: 5 },
  tokens: { input: 50_000, cached: 1_000, output: 9_000, wasted: { invalid: 120, missing: 0 } },
  cost: 0.25,
  reasons: {
    retried: [{ reason: 'answer stalled', count: 5 }],
    waited: [{ reason: 'the limit per minute has no room', count: 2, seconds: 12 }],
  },
  firstResult: 812,
  series: Array.from({ length: 101 }, (_, i) => ({
    ...{
      t: i * 1_000,
      fulfilled: i * 9.9,
      rejected: i * 0.1,
      input: i * 500,
      cached: i * 10,
      output: i * 90,
    },
    ...{ cost: i * 0.0025, waited: i < 50 ? 0 : 12_000 },
  })),
  packs: {
    first: [[10, 5], [25, 40]], // prettier-ignore
    again: [[2, 5]], // prettier-ignore
  },
  latency: {
    firstToken: { count: 50, p50: 400, p90: 900, p99: 1_200, most: 1_300, ranges: [[300, 600, 30], [600, 1_300, 20]] }, // prettier-ignore
  },
}

/** Texts that break pages: tags, attributes, addresses, SVG, CSS, wide, from the right, long. */
export const hostile: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  'javascript:alert(1)',
  '</style><script>alert(1)</script>',
  '</svg><svg onload=alert(1)>',
  ']]><!-- --><!DOCTYPE x>',
  '{{constructor.constructor("alert(1)")()}} ${alert(1)}',
  '&lt;b&gt; &amp; &#x3C;',
  'url(https://example.invalid/x.png)',
  '问题反馈与建议：退货流程',
  'שאלה כללית על ההזמנה \u202eabc',
  '\0\u0007\ud800 lone',
  `long ${'word '.repeat(5_000)}`,
  'x'.repeat(3_000),
]

export function contentsOf(rows: readonly ResultRow[], resultColumns?: readonly string[]): Contents {
  const contents = new Contents(resultColumns)
  for (const row of rows) contents.add(row)
  return contents
}

export function pageOf(
  rows: readonly ResultRow[],
  {
    runs = [run],
    notes = [],
    name = 'labels.jsonl',
  }: { runs?: RunRecord[]; notes?: string[]; name?: string } = {},
): Promise<string> {
  const contents = contentsOf(rows, runs.at(-1)?.resultColumns)
  return makePage({ name, madeAt: new Date(0), version: '0.1.0', runs, contents, notes })
}
