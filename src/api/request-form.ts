/** What the server is asked to keep to: the schema, JSON of any form, or nothing. */
export const outputModes = ['json_schema', 'json_object', 'text'] as const
export type OutputMode = (typeof outputModes)[number]

/** The fields of a request that some servers refuse. */
export interface RequestForm {
  readonly output: OutputMode
  /** The name of the field for the output cap. */
  readonly cap: 'max_completion_tokens' | 'max_tokens'
  /** Whether the request asks for the usage. */
  readonly usage: 'stream_options' | 'none'
}

/** The form that a request has at first. */
export function formOf(output: OutputMode): RequestForm {
  return { output, cap: 'max_completion_tokens', usage: 'stream_options' }
}

type Field = keyof RequestForm

/** A field in a weaker form, which the server has taken. */
export interface Downgrade {
  readonly field: Field
  readonly from: string
  readonly to: string
}

/** The forms of each field, the strongest first. In this order they are tried without words. */
const FORMS: { readonly [F in Field]: readonly RequestForm[F][] } = {
  cap: ['max_completion_tokens', 'max_tokens'],
  usage: ['stream_options', 'none'],
  output: outputModes,
}

/** Words by which a server names a field that it refuses. */
const NAMES: Readonly<Record<Field, RegExp>> = {
  cap: /\bmax_completion_tokens\b/,
  usage: /\bstream_options\b|\binclude_usage\b/,
  output: /\bresponse_format\b|\bjson_schema\b|\bjson_object\b|\btext\.format\b|\bstructured.outputs?\b/i,
}
/** Words about the content of a field, which the server knows: a schema with an error, or a cap. */
const ABOUT_CONTENT: Readonly<Partial<Record<Field, RegExp>>> = {
  cap: /\btoo (large|high|big)\b|\bat most\b|\bless than\b|\bexceeds?\b|\bmaximum\b|\brange\b|\bcontext\b/i,
  output: /\binvalid.(json.)?schema\b/i,
}

/**
 * Knows in which form the server takes requests. A form that it refuses is replaced by the next
 * weaker form, for the whole stream.
 */
export class RequestForms {
  readonly #fields: readonly Field[]
  readonly #onDowngrade: (downgrade: Downgrade) => void
  #now: RequestForm
  /** The form without the steps that were tried without words. */
  #sure: RequestForm
  /** The form that was told. */
  #told: RequestForm
  /** Whether no more steps are tried without words, because the server takes requests. */
  #isKnown = false

  /**
   * @param fields The fields that the API has.
   * @param onDowngrade Called when the server has taken a weaker form, once for each step.
   */
  constructor(output: OutputMode, fields: readonly Field[], onDowngrade: (downgrade: Downgrade) => void) {
    this.#fields = fields
    this.#onDowngrade = onDowngrade
    this.#now = this.#sure = this.#told = formOf(output)
  }

  /** The form for the next request. */
  get now(): RequestForm {
    return this.#now
  }

  /** The server has answered a request of this form. */
  accepted(sent: RequestForm): void {
    if (!this.#isKnown) this.#now = this.#sure = weakest(this.#sure, sent)
    this.#isKnown = true
    if (!isSame(sent, this.#now)) return
    const told = this.#told
    this.#told = sent
    for (const field of this.#fields) {
      if (told[field] !== sent[field]) this.#onDowngrade({ field, from: told[field], to: sent[field] })
    }
  }

  /**
   * The server has refused a request of this form. Returns whether the next request has another
   * form.
   *
   * @param words The words of the server. `undefined` if the client hides them: then the fields
   *   that were sent are tried one after the other, until the server takes a request.
   * @param hasCap Whether the request had an output cap.
   */
  refused(sent: RequestForm, words: string | undefined, hasCap: boolean): boolean {
    if (words === undefined) return this.#tryNext(sent, hasCap)
    const named = this.#fields.filter(
      (field) => NAMES[field].test(words) && !ABOUT_CONTENT[field]?.test(words),
    )
    const weaker = named.reduce(weaken, sent)
    if (weaker === sent) return false
    this.#now = weakest(this.#now, weaker)
    this.#sure = weakest(this.#sure, weaker)
    return true
  }

  #tryNext(sent: RequestForm, hasCap: boolean): boolean {
    if (this.#isKnown) return false
    // Another request was refused before.
    if (!isSame(sent, this.#now)) return true
    const field = this.#fields.find((name) => (hasCap || name !== 'cap') && weaken(sent, name) !== sent)
    this.#now = field === undefined ? this.#sure : weaken(sent, field)
    // The form is not the reason.
    this.#isKnown = field === undefined
    return field !== undefined
  }
}

function isSame(a: RequestForm, b: RequestForm): boolean {
  return a.output === b.output && a.cap === b.cap && a.usage === b.usage
}

/** The next weaker form of a field. The same form if there is no weaker form. */
function weaken(form: RequestForm, field: Field): RequestForm {
  const forms: readonly string[] = FORMS[field]
  const next = forms[forms.indexOf(form[field]) + 1]
  return next === undefined ? form : { ...form, [field]: next }
}

function weakest(a: RequestForm, b: RequestForm): RequestForm {
  const isWeaker = (field: Field): boolean => {
    const forms: readonly string[] = FORMS[field]
    return forms.indexOf(b[field]) > forms.indexOf(a[field])
  }
  const fields = (Object.keys(FORMS) as Field[]).filter(isWeaker)
  if (fields.length === 0) return a
  return fields.reduce((form, field) => ({ ...form, [field]: b[field] }), a)
}
