export { packAll, type PackAllError } from './stream/pack-all.ts'
export { PackStream } from './stream/pack-stream.ts'
export type { AuditOptions, EscalateOptions, PackStreamOptions, VoteOptions } from './options/options.ts'
export type { Escalated, Fulfilled, Outcome, PackInfo, Rejected, Votes } from './record/outcome.ts'
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
} from './record/errors.ts'
export { RateLimiter, type RateLimiterOptions } from './limits/rate-limiter.ts'
export type { ApiName } from './api/api.ts'
export type { OutputMode } from './api/request-form.ts'
export type {
  ChatBody,
  ChatClient,
  RequestFields,
  ResponsesBody,
  ResponsesClient,
  ResponsesFields,
} from './api/clients.ts'
export type { CacheStore } from './cache/result-cache.ts'
export type {
  ElementEvent,
  NoticeEvent,
  OutcomeEvent,
  RequestEndEvent,
  RequestStartEvent,
  WaitingEvent,
} from './accounts/diagnostics.ts'
export type { StandardSchema, UserSchema as ResultSchema } from './request/user-schema.ts'
export type { Example } from './request/prompt.ts'
export type {
  AuditStage,
  AuditStats,
  EscalationStats,
  Pricing,
  Stats,
  Waiting,
  WasteCause,
} from './accounts/stats.ts'
export type { TokenCounter } from './learning/token-estimator.ts'
