export { PackStream } from './pack-stream.ts'
export type { PackStreamOptions } from './options.ts'
export type { Fulfilled, Outcome, PackInfo, Rejected } from './outcome.ts'
export {
  PackStreamError,
  packStreamErrorCodes,
  RecordError,
  recordErrorCodes,
  type PackStreamErrorCode,
  type RecordErrorCode,
  type ResultIssue,
} from './errors.ts'
export { exactTokenCounter, type Encoding } from './exact-tokens.ts'
export type { ChatClient, RequestFields } from './chat.ts'
export type { Example } from './prompt.ts'
export type { Pricing, Stats, WasteCause } from './stats.ts'
export type { TokenCounter } from './tokens.ts'
