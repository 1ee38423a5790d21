import * as z from 'zod'

const number = z.number()
const counted = z.object({ reason: z.string(), count: number })
const stage = z.object({
  ...{ packRecords: number, records: number, disagreement: number.optional(), noise: number.optional() },
  interval: z.object({ low: number, high: number }),
})
const spread = z.object({
  ...{ count: number, p50: number, p90: number, p99: number, most: number },
  /** From, to, and the number of values between them. */
  ranges: z.array(z.tuple([number, number, number])),
})

/**
 * What a run keeps about itself beside its output, for a report. It has no text of a record. Times
 * are in ms. Later versions read it too: a field keeps its meaning.
 */
export const runRecord = z.object({
  /** In ISO 8601. */
  startedAt: z.string(),
  seconds: number,
  status: z.enum(['complete', 'interrupted', 'failed']),
  exitCode: number,
  /** Why the run ended before its input. */
  error: z.string().optional(),
  /** For a shell, without secrets. */
  command: z.string(),
  /** The version of this program. */
  version: z.string(),
  server: z.string(),
  /** By name, for a person. */
  settings: z.record(z.string(), z.string()),
  /** The columns of the output that hold results. */
  resultColumns: z.array(z.string()),
  records: z.object({ done: number, fulfilled: number, rejected: number, earlier: number }),
  requests: z.object({ sent: number, retries: number }),
  tokens: z.object({
    ...{ input: number, cached: number, output: number },
    /** By cause. */
    wasted: z.record(z.string(), number),
  }),
  /** In US dollars. */
  cost: number.optional(),
  votes: z.object({ ballots: number, split: number, undecided: number }).optional(),
  audit: stage
    .extend({
      ...{ margin: number, dropped: number, steps: z.array(stage), requests: number },
      cost: number.optional(),
    })
    .optional(),
  reasons: z.object({
    retried: z.array(counted),
    waited: z.array(counted.extend({ seconds: number })),
  }),
  /** From the start to the first result. */
  firstResult: number.optional(),
  /** Sums since the start. */
  series: z.array(
    z.object({
      ...{ t: number, fulfilled: number, rejected: number, input: number, cached: number, output: number },
      cost: number.optional(),
      /** Time of pauses. */
      waited: number,
    }),
  ),
  /** Sizes of requests with new records, and of requests that ask again; and their number. */
  packs: z.object({
    first: z.array(z.tuple([number, number])),
    again: z.array(z.tuple([number, number])),
  }),
  /** From sending a request to its first token, to its first result, and to each of its results. */
  latency: z.object({
    firstToken: spread.optional(),
    firstResult: spread.optional(),
    eachResult: spread.optional(),
  }),
})

export type RunRecord = z.infer<typeof runRecord>
export type Spread = z.infer<typeof spread>
