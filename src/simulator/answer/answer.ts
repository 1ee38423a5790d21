import { type CompiledSchema, compileSchema } from './compile.ts'
import { invalidSchema } from '../api/errors.ts'
import { findJson, isObject } from '../json-text.ts'
import { makeSubject } from './labels.ts'
import { findRecords } from './records.ts'
import type { QualityModel } from '../quality/model.ts'
import type { Message, Request } from '../api/request.ts'
import { SchemaError } from '../schema-source.ts'
import { strictProblem } from '../api/strict-schema.ts'
import { excerpt } from './strings.ts'
import { answerValue } from './values.ts'

/**
 * Number of compiled schemas to keep. A client has few schemas, and sends the same schema with
 * every request.
 */
const keptSchemas = 100

/**
 * Makes the answer to a request from the request's own text. The same request always gets the same
 * answer.
 */
export class Answerer {
  /** Compiled schemas by mode and JSON. The schema that was used last is at the end. */
  readonly #schemas = new Map<string, CompiledSchema>()
  readonly #quality: QualityModel | undefined

  constructor(quality?: QualityModel) {
    this.#quality = quality
  }

  /** Returns the answer's text. Throws an `ApiError` if the request's schema cannot be answered. */
  answer(request: Request): string {
    const message = lastUserText(request.messages)
    switch (request.format.type) {
      case 'json_schema':
        return this.#fromSchema(request, request.format, message)
      case 'json_object': {
        const schema = schemaInMessages(request.messages)
        if (schema === undefined) return plainObject(message)
        return this.#fromSchema(
          request,
          { schema, json: JSON.stringify(schema), name: 'json_object', strict: false },
          message,
        )
      }
      case 'text':
        return (
          `This is the simulator of llm-pack-stream, not a model. It read ${message.length} characters ` +
          'and answers only requests for JSON with something about them.'
        )
    }
  }

  #fromSchema({ api, model }: Request, format: SchemaFormat, message: string): string {
    try {
      const { records, delimited } = findRecords(message)
      const schema = this.#compiled(format)
      const verdicts = this.#quality?.judge(message, records, model) ?? []
      const subjects = records.map(({ id, text }, at) => makeSubject(id, at + 1, text, verdicts[at]))
      const whole = makeSubject('1', 1, message)
      const value = answerValue({ schema, whole, records: subjects, delimited })
      this.#quality?.count(verdicts)
      return JSON.stringify(value)
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      throw invalidSchema(api, format.name, error.message)
    }
  }

  #compiled({ schema, json, strict }: SchemaFormat): CompiledSchema {
    // A schema that is accepted without `strict` may be refused with it.
    const key = strict ? `strict ${json}` : json
    const compiled = this.#schemas.get(key) ?? compile(schema, strict)
    this.#schemas.delete(key)
    this.#schemas.set(key, compiled)
    for (const oldest of this.#schemas.keys()) {
      if (this.#schemas.size <= keptSchemas) break
      this.#schemas.delete(oldest)
    }
    return compiled
  }
}

type SchemaFormat = { name: string; schema: unknown; json: string; strict: boolean }

function compile(schema: unknown, strict: boolean): CompiledSchema {
  const problem = strict ? strictProblem(schema) : undefined
  if (problem !== undefined) throw new SchemaError(problem)
  return compileSchema(schema)
}

/** Returns the text of the message that holds the records. */
export function lastUserText(messages: readonly Message[]): string {
  return (messages.findLast(({ role }) => role === 'user') ?? messages.at(-1))?.text ?? ''
}

/** Finds the schema in a message. Clients without structured outputs write it there. */
function schemaInMessages(messages: readonly Message[]): unknown {
  for (const { text } of messages) {
    const opening = /(?=\{\s{0,200}"(?:\$schema|\$defs|definitions|type|properties|anyOf)"\s{0,200}:)/gu
    const schema = findJson(text, opening, (value) => {
      const isSchema = isObject(value) && (isObject(value['properties']) || value['$schema'] !== undefined)
      return isSchema ? value : undefined
    })
    if (schema !== undefined) return schema
  }
  return undefined
}

/** Answers a request for JSON without a schema. */
function plainObject(message: string): string {
  const { records } = findRecords(message)
  const results = records.map(({ id, text }) => ({ id, text: excerpt(text) }))
  return JSON.stringify({ note: 'from a simulator, not a model', results })
}
