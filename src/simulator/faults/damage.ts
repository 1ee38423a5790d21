import { splitTokens } from '../tokens.ts'
import type { FinishReason } from '../api/chat-wire.ts'
import { cutAnywhere, isInsideCharacter } from './cut.ts'
import { damageElements, positionsOf, type Shape, shapeOf, textOf } from './elements.ts'
import { type FaultName, runawayTokens } from './kinds.ts'
import type { Fault, Plan } from './plan.ts'
import { between, type Random } from './random.ts'

/** The ways in which an answer breaks off without a finish reason. */
export type BreakOff = 'reset_inside' | 'silent_end' | 'stall' | 'error_frame' | 'malformed_frame'

/** The text and the ending of one answer. */
export type Script = {
  /**
   * One part for each token of the answer. The plan may cut the parts at other places than the
   * tokens.
   */
  tokens: string[]
  /** The finish reason, or the way in which the answer breaks off after its last token. */
  ending: FinishReason | BreakOff
  /** Whether the text is a refusal and not content. */
  refused: boolean
  /** The fault of the body, beside the faults of the answer. */
  form: 'usual' | 'wrong_content_type' | 'whole_json' | 'heartbeats'
  /**
   * The faults that the sent answer shows. A fault does not show if it finds nothing to damage, or
   * comes after the last token that fits.
   */
  done: readonly FaultName[]
}

/** An answer while faults are added. `forever` is repeated after its text. */
type Draft = Omit<Script, 'tokens' | 'done'> & { shape: Shape; forever: string }

/** Writes an answer in at most `room` tokens, with the planned faults. */
export function scriptFor(text: string, room: number, { faults, random, chunks }: Plan): Script {
  let draft: Draft = {
    shape: plainShape(text),
    forever: '',
    ending: 'stop',
    refused: false,
    form: 'usual',
  }
  if (faults.length > 0) draft.shape = shapeOf(text) ?? draft.shape
  const changed: FaultName[] = []
  for (const fault of faults) {
    const next = damage(draft, fault, random)
    if (JSON.stringify(next) !== JSON.stringify(draft)) changed.push(fault.name)
    draft = next
  }

  const all = tokensOf(draft, room)
  const tokens = all.slice(0, room)
  const { refused, form } = draft
  const isWhole = tokens.length === all.length
  const ending = isWhole ? draft.ending : 'length'
  const shows = () => form !== 'usual' || (isWhole && ending !== 'stop') || !text.startsWith(tokens.join(''))
  return {
    tokens: chunks === 'random' ? cutAnywhere(tokens, random) : tokens,
    ...{ ending, refused, form },
    done: changed.length > 0 && shows() ? changed : [],
  }
}

/**
 * The draft's tokens. Endless text gives only the tokens that are needed to see that it does not
 * fit.
 */
function tokensOf({ shape, forever }: Draft, room: number): string[] {
  const tokens = splitTokens(textOf(shape))
  const unit = splitTokens(forever)
  if (unit.length === 0) return tokens
  const total = Math.min(runawayTokens, room + 1)
  for (let at = 0; tokens.length < total; at++) tokens.push(unit[at % unit.length] ?? '')
  return tokens
}

function damage(draft: Draft, fault: Fault, random: Random): Draft {
  const { shape } = draft
  switch (fault.kind) {
    case 'silent_end':
    case 'stall':
    case 'error_frame':
    case 'malformed_frame':
      return { ...draft, shape: afterSome(shape, random), ending: fault.kind }
    case 'reset_inside':
      return { ...draft, shape: insideOne(shape, random), ending: 'reset_inside' }
    case 'cut':
      return { ...draft, shape: insideOne(shape, random), ending: 'length' }
    case 'content_filter': {
      const guilty = positionsOf(shape.elements, fault.ids ?? new Set())
      const stopped = guilty.size > 0 ? after(shape, Math.min(...guilty)) : afterSome(shape, random)
      return { ...draft, shape: stopped, ending: 'content_filter' }
    }
    case 'whitespace': {
      const forever = blanks[between(random, 0, blanks.length - 1)] ?? ''
      return { ...draft, shape: afterSome(shape, random), forever, ending: 'length' }
    }
    case 'repeating': {
      const stopped = after(shape, Math.max(1, afterSome(shape, random).elements.length))
      const last = stopped.elements.at(-1)
      if (last === undefined) return draft
      return { ...draft, shape: stopped, forever: `,${JSON.stringify(last.value)}`, ending: 'length' }
    }
    case 'wrong_content_type':
    case 'whole_json':
    case 'heartbeats':
      return { ...draft, form: fault.kind }
    case 'free_text':
      return {
        ...draft,
        shape: plainShape('Here is what I think of it: it depends, and I cannot say it in JSON.'),
      }
    case 'refusal':
      return {
        ...draft,
        shape: plainShape("I'm sorry, but I can't assist with that request."),
        refused: true,
      }
    case 'thought':
    case 'fenced':
    case 'in_prose':
    case 'bare_list':
    case 'lines':
    case 'other_key':
      return { ...draft, shape: plainShape(wrapped(fault.kind, shape)) }
    default:
      return { ...draft, shape: { ...shape, elements: damageElements(shape.elements, fault, random) } }
  }
}

/** The text of an answer that is not in the form of the schema. */
function wrapped(kind: Wrapping, shape: Shape): string {
  const text = textOf(shape)
  const elements = shape.elements.map(({ value }) => JSON.stringify(value))
  switch (kind) {
    case 'thought': {
      const draft = shape.elements.map(({ idName, value }) => ({
        ...shape.elements[0]?.value,
        [idName]: value[idName],
      }))
      return `<think>Perhaps ${JSON.stringify({ results: draft })}? No.</think>\n${text}`
    }
    case 'fenced':
      return `\`\`\`json\n${text}\n\`\`\``
    case 'in_prose':
      return `Here are [all] the results:\n\n${text}\n\nLet me know if {anything} is unclear.`
    case 'bare_list':
      return elements.length === 0 ? text : `[${elements.join(',')}]`
    case 'lines':
      return elements.length === 0 ? text : elements.join('\n')
    case 'other_key':
      return elements.length === 0 ? text : `{"answers":[${elements.join(',')}]}`
  }
}

type Wrapping = 'thought' | 'fenced' | 'in_prose' | 'bare_list' | 'lines' | 'other_key'

/** Whitespace that real models have written without end. */
const blanks = ['\n', ' \n', '\n\n  ', '\t']

function plainShape(text: string): Shape {
  return { head: text, elements: [], tail: '' }
}

/** The answer up to element number `count`. */
function after({ head, elements }: Shape, count: number): Shape {
  return { head, elements: elements.slice(0, count), tail: '' }
}

/**
 * The answer with at least one of its elements, and not all of them if possible. Of an answer
 * without elements, the first half.
 */
function afterSome(shape: Shape, random: Random): Shape {
  const count = shape.elements.length
  if (count === 0) return half(shape)
  return after(shape, count === 1 ? 0 : between(random, 1, count - 1))
}

/** The answer up to the middle of a random element. */
function insideOne(shape: Shape, random: Random): Shape {
  const count = between(random, 0, shape.elements.length - 1)
  const next = shape.elements[count]
  if (next === undefined) return half(shape)
  const text = JSON.stringify(next.value)
  // The first bracket is always kept, and the last bracket is always cut off.
  const part = cutBefore(text, between(random, 1, text.length - 1))
  return { ...after(shape, count), tail: `${count > 0 ? ',' : ''}${part}` }
}

function half({ head }: Shape): Shape {
  return plainShape(cutBefore(head, Math.floor(head.length / 2)))
}

function cutBefore(text: string, at: number): string {
  return text.slice(0, isInsideCharacter(text, at) ? at - 1 : at)
}
