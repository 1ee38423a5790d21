import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getDefaultHighWaterMark } from 'node:stream'
import { expect, test } from 'vitest'
import { string } from 'zod'
import { FORMAT } from '../../src/cli/kafka/flags.ts'
import { LARGEST } from '../../src/cli/plan/flags.ts'
import { PORT } from '../../src/cli/simulate/flags.ts'
import { maxRecordBytesOf } from '../../src/files/checks.ts'
import { baseOptions } from '../../src/kafka/connection.ts'
import { resolveSource } from '../../src/kafka/options.ts'
import { STOP_TIMEOUT_MS } from '../../src/kafka/run-kafka.ts'
import { auditRules } from '../../src/options/audit.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { resolveFaults } from '../../src/simulator/faults/options.ts'
import { resolveQuality } from '../../src/simulator/quality/options.ts'
import { resolveOptions as resolveSimulator } from '../../src/simulator/options.ts'
import { cli } from '../helpers/cli.ts'
import { root } from '../helpers/run.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'

const stream = resolveOptions({
  ...{ client: scriptedClient(echo), model: 'm', instructions: '', schema: string() },
})
const source = resolveSource({
  ...{ connection: { bootstrapBrokers: ['localhost:9092'] }, groupId: 'g', topics: ['t'] },
})
const simulator = resolveSimulator({})
const buffered = getDefaultHighWaterMark(true)
/** The defaults that the code uses. */
const USED: object = {
  ...{ ...stream, ...stream.timeouts, api: stream.apiName, responseFormat: stream.output },
  ...auditRules({ share: 0.1 }, undefined),
  ...{ highWaterMark: buffered, readableHighWaterMark: buffered, writableHighWaterMark: buffered },
  ...{ ...source, ...baseOptions(source.connection), stopTimeout: STOP_TIMEOUT_MS },
  maxRecordBytes: maxRecordBytesOf(undefined),
  ...{ ...simulator, ...simulator.latency, ...resolveFaults({}), ...resolveQuality({ truth: {} }) },
}
/** Defaults of the command line alone. */
const OF_COMMANDS: Readonly<Record<string, object>> = {
  run: { rate: 0 },
  plan: { maxPackRecords: LARGEST },
  kafka: { rate: 0, format: FORMAT },
  simulate: { rate: 0, port: PORT },
}

/** A number or a string, in code or in a table. */
const VALUE = "`?(?<value>'[\\w-]+'|\\d[\\d,]*(?:\\.\\d+)?(?: MiB)?)`?"

/** Finds the defaults that a text tells. Returns the wrong defaults. */
function wrongIn(text: string, pattern: string, used: object): string[] {
  const told = [...text.matchAll(new RegExp(pattern, 'gm'))]
  expect(told).not.toEqual([])
  return told.flatMap(({ groups: { name = '', value = '' } = {} }) => {
    const option = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const bare = value.replaceAll(/[',]/g, '').replace(/(\d+) MiB/, (_, number) => String(number * 2 ** 20))
    const own = String((used as Record<string, unknown>)[option])
    return bare === own ? [] : [`${name}: ${value}, but the code uses ${own}`]
  })
}

test.each(Object.entries(OF_COMMANDS))('the help of %s tells the defaults of the code', async (name, own) => {
  const { stdout } = await cli([name, '--help'])
  const flags = stdout.replaceAll(/\n {10,}/g, ' ')
  const pattern = '^  --(?:fault-)?(?<name>[a-z-]+) .*\\(default: (?<value>[\\w.-]+)\\)'
  // This default is a flag.
  expect(wrongIn(flags.replace('(default: --price-in)', ''), pattern, { ...USED, ...own })).toEqual([])
})

test.each(['options', 'kafka', 'files', 'simulator'])('docs/%s.md tells the defaults of the code', (page) => {
  const text = readFileSync(join(root, `docs/${page}.md`), 'utf8')
  expect(wrongIn(text, `^\\| \`(?:latency\\.)?(?<name>\\w+)\` .*\\| ${VALUE} +\\|$`, USED)).toEqual([])
})

test.each(['options', 'kafka', 'simulator'])('the docstrings in %s tell the defaults of the code', (room) => {
  const files = globSync(join(root, `src/${room}/**/*.ts`))
  const text = files.map((file) => readFileSync(file, 'utf8').replaceAll(/\n\s+\*(?!\/) ?/g, ' ')).join('\n')
  const ofComment = '(?:(?!\\*/)[^])*\\*/\\s+(?:readonly )?'
  expect(
    wrongIn(text, `(?:@default|Default:(?: Node's,)?) ${VALUE}${ofComment}(?<name>\\w+)\\??:`, USED),
  ).toEqual([])
})
