import type { CheckFlags } from '../flags/check-flags.ts'
import type { JobFlags } from '../flags/flags.ts'
import type { SendingFlags } from '../flags/sending-flags.ts'
import type { OutputFormat } from '../rows/output-row.ts'
import type { EndpointFlags } from '../task/endpoint.ts'

export interface RunFlags extends JobFlags, SendingFlags, CheckFlags, EndpointFlags {
  output?: string
  outputFormat?: OutputFormat
  outputDelimiter?: string
  bom?: boolean
  escapeFormulas?: boolean
  rejects?: string
  meta?: string
  key?: string
  retryRejected?: boolean
  ordered?: boolean
  strict?: boolean
  force?: boolean
  overwrite?: boolean
  report?: string
  json?: boolean
  progress?: boolean
  quiet?: boolean
  highWaterMark?: number
  readableHighWaterMark?: number
  writableHighWaterMark?: number
}
