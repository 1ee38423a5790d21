import type { RecordErrorCode } from '../../index.ts'
import type { RowErrorCode } from '../../files/index.ts'
import type { ItemError } from '../rows/item.ts'

const MEND = 'Mend the row in the input, and run the same command again: all other rows keep their results.'
const AGAIN = 'Then ask the records again with --retry-rejected.'

/** What to do about the rejected records of each code. */
const ADVICE: Readonly<Record<RecordErrorCode | RowErrorCode | ItemError['code'], string>> = {
  invalid_record: 'See the message: the text of the record could not be made.',
  invalid_result: `Compare the model's text with the schema. Say in the instructions what belongs there, or allow the value in --schema or --labels. ${AGAIN}`,
  missing_result: `Ask in smaller requests (--max-pack-records), or ask a larger model. ${AGAIN}`,
  answer_truncated: `Raise --max-output-tokens, or ask for shorter results. ${AGAIN}`,
  context_length_exceeded: `Shorten the record or the instructions, or take a model with a larger context. ${AGAIN}`,
  refused:
    'Read the record: the model will probably refuse again. Change the instructions, or ask another model.',
  content_filtered:
    'The filter of the provider stops this text. Change its settings there, or ask another provider.',
  request_failed: `If the server works again now, ask the records again with --retry-rejected. Otherwise the message names the failure.`,
  invalid_json: MEND,
  null_record: MEND,
  too_deep: MEND,
  wrong_column_count: MEND,
  invalid_csv: MEND,
  invalid_utf8: 'Save the input as UTF-8, and run the same command again.',
  too_long: 'Raise --max-record-bytes, or shorten the row.',
  unknown_encoding: 'Name the encoding of the input, or save it as UTF-8.',
  invalid_header: 'Mend the header of the input.',
  not_an_array: 'Mend the input: its top level must be an array.',
  broken_array: 'Mend the input from this place on.',
  not_a_record: 'Make an object or a text of the row in the input.',
  reserved_column: 'Rename the column in the input.',
  missing_column: 'Check --field or --template. Rows of another kind may be left out of the input.',
  column_taken: 'Give the result other columns with --prefix.',
  empty_text: 'The record has no text. Nothing can be asked about it.',
  unreadable: MEND,
}

/** Empty for a code of another version. */
export function adviceFor(code: string): string {
  return (ADVICE as Readonly<Record<string, string | undefined>>)[code] ?? ''
}
