import { findJson, isObject, parseJson } from '../json-text.ts'

/**
 * A record in a prompt: its id and itself as written there, and its text. For a JSON object or
 * array, the text is that of its values.
 */
type PromptRecord = { id: string; written: string; text: string }

/**
 * The records in a message. If no records are recognised, the message is one record, and
 * `delimited` is false.
 */
type MessageRecords = { records: PromptRecord[]; delimited: boolean }

/** Names of properties that hold a record's id. */
const idNames = new Set(
  'id ids idx index i n no nr num number key ref row row_id rowid record record_id recordid item_id itemid'.split(
    ' ',
  ),
)

/**
 * Whether a property of this name holds a record's id: `id`, `index`, `recordId`, `record_id` and
 * similar names.
 */
export function isIdName(name: string): boolean {
  return idNames.has(name.toLowerCase())
}

/**
 * Finds the records of a message. Tries, in this order: XML-like elements of one name with an `id`
 * attribute, a JSON array of strings or objects, and numbered lines. Otherwise the message is one
 * record. The time is linear in the length of the message.
 */
export function findRecords(wholeMessage: string): MessageRecords {
  const message = afterFields(wholeMessage)
  const found = taggedRecords(message) ?? arrayRecords(message) ?? numberedRecords(message)
  if (found !== undefined) return { records: found, delimited: true }
  return { records: [promptRecord('1', message.trim())], delimited: false }
}

/**
 * The message behind the fields that its records share. Each field stands at the beginning, in a
 * tag such as `<record-field name="document">`, and no other text has this tag.
 */
function afterFields(message: string): string {
  const name = /^<([\p{L}_][\w.:-]*-field)\s+name="/u.exec(message)?.[1]
  if (name === undefined) return message
  const closing = `</${name}>`
  const last = message.lastIndexOf(closing)
  return last < 0 ? message : message.slice(last + closing.length)
}

function promptRecord(id: string, written: string): PromptRecord {
  const first = written[0]
  const value = first === '{' || first === '[' ? parseJson(written) : undefined
  return { id, written, text: value === undefined ? written : textOf(value) }
}

function textOf(value: unknown): string {
  const values = isObject(value) ? Object.values(value) : Array.isArray(value) ? (value as unknown[]) : []
  const texts = values.filter((item) => typeof item === 'string')
  return texts.length > 0 ? texts.join(' ') : JSON.stringify(value)
}

type Tag = { name: string; closing: boolean; id: string | undefined; start: number; end: number }

function findTags(message: string): Tag[] {
  const tags: Tag[] = []
  for (const match of message.matchAll(/<(\/?)([\p{L}_][\w.:-]*)(\s[^<>]*)?>/gu)) {
    const [whole, slash, name = '', attributes = ''] = match
    const id = /\sid\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/>]+))/u.exec(attributes)
    const end = match.index + whole.length
    tags.push({ name, closing: slash === '/', id: id?.[1] ?? id?.[2] ?? id?.[3], start: match.index, end })
  }
  return tags
}

function taggedRecords(message: string): PromptRecord[] | undefined {
  const tags = findTags(message)
  // The records' tag is the first tag with an id that is also closed. Tags inside a record's text
  // come later.
  const lastClose = new Map<string, number>()
  for (const tag of tags) if (tag.closing) lastClose.set(tag.name, tag.start)
  const first = tags.find((tag) => tag.id !== undefined && (lastClose.get(tag.name) ?? -1) > tag.start)
  if (first === undefined) return undefined

  const records: PromptRecord[] = []
  let open: Tag | undefined
  for (const tag of tags) {
    if (tag.name !== first.name) continue
    if (open === undefined && !tag.closing && tag.id !== undefined) open = tag
    else if (open?.id !== undefined && tag.closing) {
      records.push(promptRecord(open.id, message.slice(open.end, tag.start).trim()))
      open = undefined
    }
  }
  return records
}

function arrayRecords(message: string): PromptRecord[] | undefined {
  // An array of records begins a line or follows a colon or backtick, and its first item is a
  // string or an object.
  return findJson(message, /(?:^|[\n:{`])[ \t]*(?=\[\s{0,200}["{])/gu, (value) => {
    if (!Array.isArray(value)) return undefined
    return value.map((item: unknown, index) => arrayRecord(item, index))
  })
}

function arrayRecord(item: unknown, index: number): PromptRecord {
  const numbered = String(index + 1)
  if (typeof item === 'string') return { id: numbered, written: item, text: item }
  const idName = isObject(item) ? Object.keys(item).find(isIdName) : undefined
  if (!isObject(item) || idName === undefined) return promptRecord(numbered, JSON.stringify(item))
  const { [idName]: id, ...rest } = item
  const isWritten = typeof id === 'string' || typeof id === 'number'
  return promptRecord(isWritten ? String(id) : numbered, JSON.stringify(rest))
}

function numberedRecords(message: string): PromptRecord[] | undefined {
  const starts = [...message.matchAll(/^[ \t]{0,40}(?:\[(\d{1,15})\]:?|\(?(\d{1,15})[.):])[ \t]+(?=\S)/gmu)]
  if (starts.length === 0) return undefined
  return starts.map((match, index) => {
    const end = starts[index + 1]?.index ?? message.length
    return promptRecord(match[1] ?? match[2] ?? '', message.slice(match.index + match[0].length, end).trim())
  })
}
