import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { root } from '../../helpers/run.ts'
import { resultFormat } from '../../../src/request/result-format.ts'
import { readSchema as read } from '../../../src/cli/task/result-schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const readSchema = async (...files: Parameters<typeof read>) => {
  const { schema, ...rest } = await read(...files)
  return { ...rest, schema: schema as z.ZodType }
}

describe('labels', () => {
  test('are lines: blank lines, outer spaces, CRLF and a byte order mark are not part of a label', async () => {
    const { schema, fields } = await readSchema(
      file('l.txt', '\uFEFFrefund\r\n\r\n  lost card \nß\n'),
      undefined,
    )
    expect(fields).toEqual(['label'])
    expect(schema.parse({ label: 'lost card' })).toEqual({ label: 'lost card' })
    expect(z.toJSONSchema(schema).properties).toEqual({
      label: { type: 'string', enum: ['refund', 'lost card', 'ß'] },
    })
  })

  test.each([
    ['twice.txt', 'a\nb\na\n', /twice\.txt:3: the label "a" is there twice/],
    ['none.txt', '\n \n', /none\.txt: expected labels, one on each line, and found no label/],
  ])('%s', async (name, text, message) => {
    await expect(readSchema(file(name, text), undefined)).rejects.toThrow(message)
  })
})

const nodeOf = (node: object) => ({
  ...{ type: 'object', properties: { next: { type: 'array', items: node } }, required: ['next'] },
})

describe('a JSON Schema', () => {
  const json = {
    type: 'object',
    properties: {
      team: { enum: ['a', 'b'], description: 'Who answers' },
      score: { type: 'integer', minimum: 1, maximum: 5 },
      tags: { type: 'array', items: { type: 'string' } },
      note: { type: ['string', 'null'] },
    },
    required: ['team', 'score', 'tags', 'note'],
    additionalProperties: false,
  }

  test('checks results by its rules, and keeps its descriptions', async () => {
    const { schema, fields } = await readSchema(undefined, file('s.json', JSON.stringify(json)))
    expect(fields).toEqual(['team', 'score', 'tags', 'note'])
    const good = { team: 'a', score: 3, tags: ['x'], note: null }
    expect(schema.parse(good)).toEqual(good)
    for (const bad of [{ team: 'c' }, { score: 9 }, { score: 1.5 }, { tags: [1] }, { more: 1 }]) {
      expect(schema.safeParse({ ...good, ...bad }).success).toBe(false)
    }
    expect(JSON.stringify(z.toJSONSchema(schema))).toContain('Who answers')
  })

  test('allows only its listed keys, at any depth, unless it says otherwise', async () => {
    const label = { enum: ['good', 'bad'], type: 'string' }
    const open = { type: 'object', properties: { label }, required: ['label'] }
    // Pydantic writes schemas in this way.
    const nested = {
      $defs: { Part: { ...open, title: 'Part' }, Node: nodeOf({ $ref: '#/$defs/Node' }) },
      type: 'object',
      properties: {
        part: { $ref: '#/$defs/Part' },
        parts: { type: 'array', items: open },
        either: { anyOf: [open, { type: 'null' }] },
        both: { allOf: [open, { type: 'object', properties: { b: label }, required: ['b'] }] },
        note: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
        node: { $ref: '#/$defs/Node' },
        // Names of properties that are keywords at other places.
        properties: open,
        enum: { type: 'string', enum: ['properties'] },
      },
      required: ['part', 'parts', 'either', 'both', 'node', 'properties', 'enum'],
    }
    const good = {
      ...{ part: { label: 'good' }, parts: [{ label: 'bad' }], either: null },
      ...{ both: { label: 'good', b: 'bad' }, note: 'x', node: { next: [{ next: [] }] } },
      ...{ properties: { label: 'good' }, enum: 'properties' },
    }
    const { schema, fields } = await readSchema(undefined, file('open.json', JSON.stringify(nested)))
    expect(fields).toEqual(Object.keys(nested.properties))
    expect(() => resultFormat(schema)).not.toThrow()
    expect(schema.parse(good)).toEqual(good)
    const bad = { label: 'good', more: 1 }
    for (const more of [
      ...[{ more: 1 }, { part: bad }, { parts: [bad] }, { either: bad }, { both: { ...bad, b: 'bad' } }],
      ...[{ properties: bad }, { node: { next: [{ next: [], more: 1 }] } }],
    ]) {
      expect(schema.safeParse({ ...good, ...more }).success).toBe(false)
    }
  })

  test.each([
    [{ additionalProperties: true }, 'an object cannot have keys that the schema does not list'],
    [{ additionalProperties: { type: 'string' } }, 'an object cannot have keys'],
    [{ patternProperties: { '^x': { type: 'string' } } }, 'at its root it is not: '],
    [{ required: [] }, 'at label it is not: a property cannot be optional, .* list it in "required"'],
  ])('that says otherwise is refused: %j', async (words, message) => {
    const json = { type: 'object', properties: { label: { type: 'string' } }, required: ['label'], ...words }
    const { schema } = await readSchema(undefined, file('otherwise.json', JSON.stringify(json)))
    expect(() => resultFormat(schema)).toThrow(new RegExp(message))
  })

  test('of a type that is not an object has one column', async () => {
    const { schema, fields } = await readSchema(undefined, file('e.json', '{"enum":["yes","no"]}'))
    expect(fields).toBeUndefined()
    expect(schema.parse('yes')).toBe('yes')
  })

  const label = { type: 'string', enum: ['a', 'b'] }
  const bare = { type: 'object', properties: { label }, required: ['label'], additionalProperties: false }
  test.each<[string, object]>([
    ['Chat Completions', { type: 'json_schema', json_schema: { name: 'x', strict: true, schema: bare } }],
    ['Responses', { type: 'json_schema', name: 'x', strict: true, schema: bare }],
    ['a whole field', { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: bare } } }],
    ['a whole text field', { text: { format: { type: 'json_schema', name: 'x', schema: bare } } }],
  ])('in the response_format of %s is taken out of it', async (_name, json) => {
    const { schema, fields } = await readSchema(undefined, file('format.json', JSON.stringify(json)))
    expect(fields).toEqual(['label'])
    expect(schema.safeParse({ label: 'a' }).success).toBe(true)
    expect(schema.safeParse({ label: 'c' }).success).toBe(false)
  })

  test.each([
    undefined,
    'https://json-schema.org/draft/2020-12/schema',
    'http://json-schema.org/draft-07/schema#',
  ])('finds definitions under both names, with $schema %s', async ($schema) => {
    const json = {
      ...($schema === undefined ? {} : { $schema }),
      ...{ type: 'object', required: ['a', 'b'] },
      properties: { a: { $ref: '#/definitions/A' }, b: { $ref: '#/$defs/B' } },
      ...{ definitions: { A: label }, $defs: { B: { type: 'array', items: { $ref: '#/definitions/A' } } } },
    }
    const { schema } = await readSchema(undefined, file('defs.json', JSON.stringify(json)))
    expect(schema.parse({ a: 'a', b: ['b'] })).toEqual({ a: 'a', b: ['b'] })
    expect(schema.safeParse({ a: 'a', b: ['c'] }).success).toBe(false)
  })

  test('reads patterns as Unicode, also in lists, and patterns that only work without', async () => {
    const words = { type: 'array', items: { type: 'string', pattern: '^\\p{L}+$' } }
    const json = {
      type: 'object',
      properties: { words, mail: { type: 'string', pattern: '^a\\@b$' } },
      required: ['words', 'mail'],
    }
    const { schema } = await readSchema(undefined, file('unicode.json', JSON.stringify(json)))
    expect(schema.parse({ words: ['Straße', 'ну'], mail: 'a@b' })).toEqual({
      ...{ words: ['Straße', 'ну'], mail: 'a@b' },
    })
    expect(schema.safeParse({ words: ['7'], mail: 'a@b' }).success).toBe(false)
    expect(JSON.stringify(resultFormat(schema).jsonSchema)).toContain('"pattern":"^\\\\p{L}+$"')
  })

  test('takes objects without a type, at any depth', async () => {
    const json = { properties: { a: { properties: { label }, required: ['label'] } }, required: ['a'] }
    const { schema, fields } = await readSchema(undefined, file('untyped.json', JSON.stringify(json)))
    expect(fields).toEqual(['a'])
    expect(schema.parse({ a: { label: 'a' } })).toEqual({ a: { label: 'a' } })
    expect(schema.safeParse({ a: { label: 'c' } }).success).toBe(false)
    expect(resultFormat(schema).names).toEqual(['a'])
  })

  test("takes OpenAPI's nullable", async () => {
    const json = {
      type: 'object',
      properties: {
        a: { type: 'string', nullable: true },
        b: { ...label, nullable: true },
        c: { type: 'string' },
      },
      required: ['a', 'b', 'c'],
    }
    const { schema } = await readSchema(undefined, file('nullable.json', JSON.stringify(json)))
    expect(schema.parse({ a: null, b: null, c: '' })).toEqual({ a: null, b: null, c: '' })
    expect(schema.safeParse({ a: null, b: null, c: null }).success).toBe(false)
  })

  test.each([
    ['torn.json', '{"type":', /torn\.json: expected JSON/],
    ['text.json', '"label"', /text\.json: expected a JSON Schema, which is an object, got "label"/],
    ['list.json', '["a","b"]', /list\.json: expected a JSON Schema, which is an object, got \["a","b"\]/],
    ['wrong.json', '{"type":"nothing"}', /wrong\.json: /],
    [
      'misspelt.json',
      '{"properties":{"p":{"properties":{"label":{"type":"string"}},"required":["lable"]}}}',
      /misspelt\.json: "required" at #\/properties\/p names "lable", which "properties" does not have/,
    ],
  ])('%s', async (name, text, message) => {
    await expect(readSchema(undefined, file(name, text))).rejects.toThrow(message)
  })
})

describe('a module', () => {
  test('may export a schema of another library', async () => {
    const arktype = JSON.stringify(join(root, 'node_modules/arktype/out/index.js'))
    const text = `import { type } from ${arktype}\nexport default type({ a: "'x' | 'y'", n: 'string.numeric.parse' })`
    const { schema, fields } = await read(undefined, file('ark.mjs', text))
    expect(fields).toEqual(['a', 'n'])
    expect(resultFormat(schema).check({ a: 'x', n: '5' })).toEqual({ value: { a: 'x', n: 5 } })
  })

  const zod = JSON.stringify(join(root, 'node_modules/zod/index.js'))
  test.each([
    ['d.mjs', `import * as z from ${zod}\nexport default z.object({ a: z.string() })`],
    ['n.mjs', `import * as z from ${zod}\nexport const schema = z.object({ a: z.string() })`],
    [
      't.mts',
      `import * as z from ${zod}\nconst s: z.ZodType = z.object({ a: z.string() })\nexport default s`,
    ],
  ])('%s', async (name, text) => {
    const { schema, fields, source } = await readSchema(undefined, file(name, text))
    expect(fields).toEqual(['a'])
    expect(schema.parse({ a: 'x' })).toEqual({ a: 'x' })
    expect(source).toBe(text)
  })

  test.each([
    ['no.mjs', 'export default 5', /no\.mjs: expected a Zod 4 schema/],
    ['broken.mjs', 'export default (', /broken\.mjs cannot be loaded: /],
  ])('%s', async (name, text, message) => {
    await expect(readSchema(undefined, file(name, text))).rejects.toThrow(message)
  })
})

test('takes labels or a schema, not both', async () => {
  await expect(readSchema('a', 'b')).rejects.toThrow('Expected --labels or --schema, got both')
  await expect(readSchema('/no/such.txt', undefined)).rejects.toThrow(
    '--labels: /no/such.txt: there is no such file',
  )
})
