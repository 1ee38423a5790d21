import {
  expected,
  isPlainObject,
  knownOptions,
  optionalFunction,
  show,
  withOption,
  type OptionError,
} from '../base/option-checks.ts'
import type { EscalateOptions, PackStreamOptions, Resolved, SecondStep } from './options.ts'

/** The options of a stream that the second step may have of its own. */
const OWN: Record<Exclude<keyof EscalateOptions<unknown, unknown>, 'when'>, true> = {
  ...{ client: true, api: true, output: true, model: true, instructions: true, examples: true },
  ...{ request: true, maxPackTokens: true, maxPackRecords: true, maxOutputTokens: true },
  ...{ countTokens: true, maxInFlight: true, limiter: true, maxAttempts: true, firstTokenTimeout: true },
  ...{ idleTimeout: true, requestTimeout: true, pricing: true },
}
/** Without a change of any of these, the second step would ask the same question again. */
const DECIDING = ['client', 'model', 'instructions', 'examples', 'request', 'maxPackRecords', 'maxPackTokens']

/**
 * Checks the option `escalate` and fills in the options of the stream.
 *
 * @param resolve Checks the options of a stream.
 */
export function secondStep<R, T>(
  options: PackStreamOptions<R, T>,
  resolve: (options: PackStreamOptions<R, T>) => Resolved<R, T>,
): SecondStep<R, T> | undefined {
  const { escalate, pricing } = options
  if (escalate === undefined) return undefined
  if (!isPlainObject(escalate)) {
    throw expected('escalate', 'an object, such as { model } or { maxPackRecords: 1 }', escalate)
  }
  knownOptions(escalate, { ...OWN, when: true }, 'escalate')
  const { when, ...own } = escalate
  const isOwn = (name: string) => Object.hasOwn(own, name)
  if (!DECIDING.some(isOwn)) {
    const message = `Expected \`escalate\` to have at least one of ${DECIDING.join(', ')}, because the second step would ask the same again`
    throw withOption('escalate', new TypeError(message))
  }
  const isSameModel = own.model === undefined || own.model === options.model
  const hasPrices = own.pricing !== undefined
  if (hasPrices ? pricing === undefined : pricing !== undefined && !isSameModel) {
    const message = hasPrices
      ? 'Expected `pricing` with `escalate.pricing`, got only `escalate.pricing`'
      : 'Expected `escalate.pricing` with `pricing` and another `escalate.model`, got only `pricing`'
    throw withOption('escalate.pricing', new TypeError(message))
  }
  // Providers limit each model apart, and their headers are about the model of the request.
  const sharesQuota = isSameModel && (own.client === undefined || own.client === options.client)
  const of = {
    ...options,
    ...{ escalate: undefined, votes: undefined, audit: undefined, mix: undefined, accepted: false },
    ...(!sharesQuota && { limiter: undefined }),
  }
  try {
    return {
      when: checkedWhen(optionalFunction('when', when)),
      sharesQuota,
      options: resolve({ ...of, ...own }),
    }
  } catch (error) {
    throw within(error, own)
  }
}

/** Names the option as a part of `escalate`. The options of the stream are checked before. */
function within(error: unknown, own: object): unknown {
  const { option = '', message = '' } = error as Partial<OptionError>
  const [name = ''] = option.split('.')
  if (!(error instanceof TypeError || error instanceof RangeError)) return error
  if (name !== 'when' && !Object.hasOwn(own, name)) return error
  const said = message.replace(`\`${name}`, `\`escalate.${name}`)
  const Kind = error instanceof RangeError ? RangeError : TypeError
  return withOption(`escalate.${option}`, new Kind(said, { cause: error.cause }))
}

/** Another value is an error of the program, such as the promise of an async function. */
function checkedWhen<R, T>(when: SecondStep<R, T>['when']): SecondStep<R, T>['when'] {
  if (!when) return undefined
  return (record, value) => {
    const verdict: unknown = when(record, value)
    if (typeof verdict === 'boolean') return verdict
    throw withOption(
      'escalate.when',
      new TypeError(`Expected \`escalate.when\` to return true or false, got ${show(verdict)}`),
    )
  }
}
