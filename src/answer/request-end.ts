import type { Answer } from '../api/answer.ts'
import { RequestError, type PackStreamErrorCode, type RequestErrorCode } from '../record/errors.ts'
import type { AnyHeaders } from '../limits/rate-headers.ts'
import type { TooLarge } from '../limits/rate-limiter.ts'

/** How a request ended, with the facts that decide what happens next. */
export type RequestEnd =
  /** The model ended the answer. */
  | { readonly kind: 'complete' }
  /** The answer was cut, usually at the output cap. */
  | {
      readonly kind: 'length'
      /** Whether the cap was the largest cap, so that no request can get a longer answer. */
      readonly isFinal: boolean
      /** Whether the user chose the largest cap. Then another try at that cap is useless. */
      readonly isChosen: boolean
    }
  | { readonly kind: 'refusal'; readonly refusal: string | undefined }
  | { readonly kind: 'content_filter'; readonly error: RequestError | undefined }
  /** The prompt is longer than the model's context. */
  | { readonly kind: 'context'; readonly error: RequestError }
  /** The server allows no more requests or tokens now. */
  | {
      readonly kind: 'rate_limit'
      readonly headers: AnyHeaders | undefined
      readonly error: RequestError
      /** Present if the server said that the request is larger than its whole limit. */
      readonly tooLarge?: TooLarge
    }
  /**
   * The server refuses the request, because of one of its records, or as it would refuse any other
   * request. Then the stream ends with this code and message.
   */
  | {
      readonly kind: 'refused_request'
      /** Whether the error has no words. openai 6 hides words that do not stand under `error`. */
      readonly isSilent: boolean
      readonly code: PackStreamErrorCode
      readonly message: string
      readonly error: RequestError
    }
  /** The request is larger than the whole limit per minute. */
  | { readonly kind: 'too_large'; readonly error: RequestError }
  /** The server refuses the output cap that the stream learned. */
  | { readonly kind: 'cap_refused'; readonly error: RequestError }
  /** An id showed that the model does not copy the ids. The rest of the answer settled nothing. */
  | { readonly kind: 'stray'; readonly error: RequestError }
  /** The server refuses the form of the request. The next request has another form. */
  | { readonly kind: 'form_refused'; readonly error: RequestError }
  /** The answer broke off, was not JSON, or did not start. Another try may succeed. */
  | { readonly kind: 'failure'; readonly retryAfter: number | undefined; readonly error: RequestError }
  /** Every other request would fail too. */
  | {
      readonly kind: 'fatal'
      readonly code: PackStreamErrorCode
      readonly message: string
      readonly error: RequestError
    }

/** The facts about a request that decide what its end means. */
export interface Asked {
  /** The output cap of the request. `undefined` if the request had no cap. */
  readonly cap: number | undefined
  /** The largest cap that the user allows. `undefined` if only the model has a cap. */
  readonly maxCap: number | undefined
  /** A hint about the server's URL, for an answer that does not come from the API. */
  readonly hint: string
}

export function failure(code: RequestErrorCode, message: string): RequestEnd {
  return { kind: 'failure', retryAfter: undefined, error: new RequestError(code, message) }
}

/**
 * Finish reasons of a content filter: the word of Chat Completions, also with a reason behind it,
 * and the words of Gemini and GLM.
 */
const FILTERED =
  /^(content.filter\b|(IMAGE_)?(SAFETY|PROHIBITED_CONTENT|RECITATION)$|BLOCKLIST$|SPII$|sensitive$)/i
const ALL_THOUGHT = 'All of the answer came as a thought, and no text after it'
/** Finish reasons of a cut answer, in the words of Chat Completions, Gemini, Mistral and Claude. */
const CUT = /^(length|max_(output_)?tokens|model_length|model_context_window_exceeded)$/i

/**
 * The end of an answer that came without an error. An answer without a finish reason is a failure.
 *
 * @param hasThought Whether the server sent a thought beside the text.
 */
export function endOfAnswer(
  { finishReason, refusal }: Pick<Answer, 'finishReason' | 'refusal'>,
  json: { readonly failed: boolean; readonly isWhole: boolean; readonly isEmpty: boolean },
  { cap, maxCap }: Pick<Asked, 'cap' | 'maxCap'>,
  hasThought = false,
): RequestEnd {
  const isChosen = maxCap !== undefined
  if (refusal !== undefined) return { kind: 'refusal', refusal }
  if (FILTERED.test(finishReason ?? '')) return { kind: 'content_filter', error: undefined }
  if (CUT.test(finishReason ?? '')) return { kind: 'length', isFinal: cap === maxCap, isChosen }
  switch (finishReason) {
    case undefined:
    case '':
      return failure('cut_short', 'The answer ended without a finish reason')
    case 'stop':
    // Some servers report a structured answer as the call of a tool.
    case 'tool_calls':
    case 'function_call':
      if (json.failed) return failure('not_json', 'The answer is not JSON')
      if (json.isEmpty) return failure('not_json', hasThought ? ALL_THOUGHT : 'The answer is empty')
      // Some servers do not report that they cut an answer. Only its JSON shows the cut. But the
      // model may also have ended too early, so the end is not final.
      return json.isWhole ? { kind: 'complete' } : { kind: 'length', isFinal: false, isChosen }
    default:
      // Some servers use other words, for good ends and for bad ends such as `error`.
      return json.isWhole && !json.isEmpty
        ? { kind: 'complete' }
        : failure('cut_short', 'The answer ended with an unknown finish reason')
  }
}
