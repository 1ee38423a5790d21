import type { Option } from 'commander'
import { defaults } from '../../options/index.ts'
import { flag, numberFlag, parseNumber } from './flags.ts'
import { UsageError } from './usage-error.ts'

/** Flags of the requests. */
export interface SendingFlags {
  maxCost?: number
  maxRejects?: number
  cache?: string
  partition?: string
  linger?: number
  maxAttempts?: number
  firstTokenTimeout?: number
  idleTimeout?: number
  requestTimeout?: number
}

export function sendingFlags(): Option[] {
  return [
    numberFlag(
      '--max-cost <usd>',
      'stop before the requests of this run cost more, by the price of the model',
    ),
    flag(
      '--max-rejects <number>',
      'stop when more records than this are rejected: a number, or a share such as 2%',
    ).argParser(parseRejects),
    flag('--cache <file>', 'keep results in this SQLite file, and send each text only once'),
    flag('--partition <name>', 'column whose value is the same in all records of a request'),
    numberFlag(
      '--linger <ms>',
      `time that a partial pack waits for more records (default: ${defaults.linger})`,
    ),
    numberFlag(
      '--max-attempts <number>',
      `number of attempts for one record (default: ${defaults.maxAttempts})`,
    ),
    numberFlag(
      '--first-token-timeout <ms>',
      `time limit for the first token of an answer (default: ${defaults.firstTokenTimeout})`,
    ),
    numberFlag('--idle-timeout <ms>', `time limit between two tokens (default: ${defaults.idleTimeout})`),
    numberFlag(
      '--request-timeout <ms>',
      `time limit for a whole request (default: ${defaults.requestTimeout})`,
    ),
  ]
}

/** A number of records, or a share in per cent. A number below 1 is a share too. */
function parseRejects(text: string): number {
  const [, percent] = /^(.*)%$/.exec(text.trim()) ?? []
  if (percent === undefined) return parseNumber('--max-rejects', text)
  const share = parseNumber('--max-rejects', percent) / 100
  if (share >= 0 && share < 1) return share
  throw new UsageError(`--max-rejects: expected a share from 0% to below 100%, got ${JSON.stringify(text)}`)
}
