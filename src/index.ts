export { PackStream } from './pack-stream.ts'
export type { PackStreamOptions } from './options.ts'
export type { Fulfilled, Outcome, PackInfo, Rejected } from './outcome.ts'
export {
  PackStreamError,
  packStreamErrorCodes,
  RecordError,
  recordErrorCodes,
  RequestError,
  requestErrorCodes,
  type PackStreamErrorCode,
  type RecordErrorCode,
  type RequestErrorCode,
  type ResultIssue,
} from './errors.ts'
export { RateLimiter, type RateLimiterOptions } from './rate-limiter.ts'
export { exactTokenCounter, type Encoding } from './exact-tokens.ts'
export type { ApiName } from './api.ts'
export type { ChatClient, RequestFields } from './chat.ts'
export type { ResponsesClient, ResponsesFields } from './responses.ts'
export type { CacheStore } from './result-cache.ts'
export type { ElementEvent, OutcomeEvent, RequestEndEvent, RequestStartEvent } from './diagnostics.ts'
export type { Example } from './prompt.ts'
export type { Pricing, Stats, WasteCause } from './stats.ts'
export type { TokenCounter } from './tokens.ts'
