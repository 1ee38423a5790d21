import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { formatMessage } from 'publint/utils'
import { publint } from 'publint'
import { afterAll, describe, expect, it } from 'vitest'
import { packedProject } from '../helpers/packed-project.ts'
import { root, runNode } from '../helpers/run.ts'

/** A user's project, with the package as npm would install it, and its peers. */
const project = packedProject(['openai', 'zod', '@types', 'undici-types'])
const modules = join(project, 'node_modules')

afterAll(() => {
  rmSync(project, { recursive: true })
})

const write = (name: string, text: string) => {
  writeFileSync(join(project, name), text)
  return join(project, name)
}

/** The licences of the packages in a compiled file. */
const licencesOf = (file: string) =>
  readFileSync(join(modules, `llm-pack-stream/dist/${file}.LICENSES.txt`), 'utf8')

describe('the packed package', () => {
  it('runs in a project that has only its dependencies and peers', async () => {
    const program = write(
      'program.js',
      `import OpenAI from 'openai'
       import * as z from 'zod'
       import { PackStream } from 'llm-pack-stream'
       import { startSimulator } from 'llm-pack-stream/simulator'
       const simulator = await startSimulator({ latency: { timeToFirstToken: 0 } })
       const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'x' })
       const stream = new PackStream({ client, model: 'm', instructions: '', schema: z.enum(['yes', 'no']) })
       stream.end('yes please')
       for await (const outcome of stream) console.log(outcome.value)
       await simulator.close()`,
    )
    expect(await runNode([program])).toEqual({ code: 0, stdout: 'yes\n', stderr: '' })
  })

  it('reads and writes files', async () => {
    const input = write('tickets.csv', 'text\nyes\n')
    const program = write(
      'read.js',
      `import { pipeline } from 'node:stream/promises'
       import { findFiles, readRows, writeJsonl } from 'llm-pack-stream/readers'
       const rows = readRows(await findFiles([process.argv[2]])).map((row) => row.record)
       await pipeline(rows, writeJsonl(), process.stdout)`,
    )
    const { code, stdout } = await runNode([program, input.replace('tickets', '*')])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"text":"yes"}\n' })
  })

  it('makes the page of a report without Observable Plot, whose licence it has', async () => {
    const output = write('labels.jsonl', '{"label":"card","_index":0}\n{"label":"fee","_index":1}\n')
    const main = join(modules, 'llm-pack-stream/dist/cli/main.js')
    expect(await runNode([main, 'report', output], {}, project)).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(`${output}.html`, 'utf8')).toMatch(/<svg role="img"[^]*card/)
    const licences = licencesOf('cli/page/charts')
    expect(licences).toMatch(/^@observablehq\/plot [\d.]+ \(ISC\)\n\n[^]*^linkedom [\d.]+ \(ISC\)$/m)
  })

  it('computes quantiles without stdlib, whose licence it has', async () => {
    const file = join(modules, 'llm-pack-stream/dist/statistics/index.js')
    const program = write(
      'quantile.js',
      `import { normalQuantile } from ${JSON.stringify(pathToFileURL(file).href)}
       console.log(normalQuantile(0.975).toFixed(3))`,
    )
    expect(await runNode([program])).toEqual({ code: 0, stdout: '1.960\n', stderr: '' })
    expect(licencesOf('statistics/distributions')).toMatch(
      /^@stdlib\/\S+ [\d.]+ \(Apache-2.0\)\n\nApache License/,
    )
  })

  it('loads gpt-tokenizer only for an exact counter, and says that it must be installed', async () => {
    const program = write(
      'exact.js',
      `import { exactTokenCounter } from 'llm-pack-stream/exact-tokens'
       await exactTokenCounter().catch((error) => console.log(error.message))`,
    )
    expect((await runNode([program])).stdout).toMatch(/npm install gpt-tokenizer/)
  })

  it('has types that a strict user can check with all declarations, without optional peers', async () => {
    const program = (value: string) => `import OpenAI from 'openai'
       import * as z from 'zod'
       import { PackStream } from 'llm-pack-stream'
       import { exactTokenCounter } from 'llm-pack-stream/exact-tokens'
       import { openCache, type SqliteCache } from 'llm-pack-stream/cache'
       import { priceOf, readPrices, type PriceTable } from 'llm-pack-stream/prices'
       import { startSimulator, type Simulator } from 'llm-pack-stream/simulator'
       import { readRows, writeOutcomes, type Row } from 'llm-pack-stream/readers'
       for await (const row of readRows(['a.csv'])) row satisfies Row
       writeOutcomes({ format: 'csv' }) satisfies NodeJS.WritableStream
       const simulator: Simulator = await startSimulator()
       const client = new OpenAI({ baseURL: simulator.baseURL })
       const schema = z.object({ a: z.number() })
       const countTokens = await exactTokenCounter('o200k_base')
       const table: PriceTable = readPrices('prices.json')
       const { pricing } = priceOf('m', { table })
       const cache: SqliteCache = await openCache('cache.sqlite')
       const more = { countTokens, pricing, cache }
       const stream = new PackStream({ client, model: 'm', instructions: '', schema, ...more })
       for await (const outcome of stream) if (outcome.status === 'fulfilled') ${value} satisfies number`
    const check = async (name: string, text: string) => {
      const flags = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      return runNode([tsc, ...flags, write(name, text)], {}, project)
    }
    // The SDK's own declarations name its optional packages.
    const ours = ({ stdout }: { stdout: string }) =>
      stdout
        .split('\n')
        .filter((line) => line.includes('error TS') && !line.startsWith('node_modules/openai/'))
    expect(ours(await check('good.ts', program('outcome.value.a')))).toEqual([])
    expect(ours(await check('bad.ts', program('outcome.value.b')))).toEqual([
      expect.stringContaining('bad.ts'),
    ])
  })

  it('has types that a user without openai can check with all declarations, and runs there', async () => {
    rmSync(join(modules, 'openai'))
    try {
      const program = write(
        'stand-in.ts',
        `import * as z from 'zod'
         import { PackStream, type ChatClient } from 'llm-pack-stream'
         import { fromAiSdk, type AiSdkModel } from 'llm-pack-stream/ai-sdk'
         async function* answer() {
           yield { choices: [{ delta: { content: '{"results":[]}' }, finish_reason: 'stop' }] }
         }
         const client: ChatClient = { chat: { completions: { create: async () => answer() } } }
         const request = { temperature: 0, top_k: 1 }
         const options = { model: 'm', instructions: '', schema: z.string(), request, maxAttempts: 1 }
         for await (const { status } of new PackStream({ ...options, client }).end('x')) console.log(status)
         export const ofModel = (model: AiSdkModel) => new PackStream({ ...options, client: fromAiSdk(model) })`,
      )
      expect(await runNode([program])).toMatchObject({ code: 0, stdout: 'rejected\n' })
      const flags = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      const exact = [...flags, '--exactOptionalPropertyTypes']
      expect(await runNode([tsc, ...exact, program], {}, project)).toMatchObject({ code: 0, stdout: '' })
    } finally {
      symlinkSync(join(root, 'node_modules/openai'), join(modules, 'openai'))
    }
  })

  it('needs the Kafka client only for Kafka', async () => {
    const program = write(
      'worker.ts',
      `import { runKafka, type KafkaRecord, type KafkaSummary } from 'llm-pack-stream/kafka'
       import type { PackStream } from 'llm-pack-stream'
       const stream = {} as PackStream<KafkaRecord, string>
       const summary: Promise<KafkaSummary> = runKafka(stream, {
         connection: { bootstrapBrokers: [] }, groupId: 'g', topics: ['in'],
         outputTopic: 'out', deadLetterTopic: 'dead',
       })
       await summary.catch((error) => console.log(error.message))`,
    )
    expect((await runNode([program])).stderr).toContain("Cannot find package '@platformatic/kafka'")
    symlinkSync(join(root, 'node_modules/@platformatic'), join(modules, '@platformatic'))
    expect((await runNode([program])).stdout).toContain(
      'Expected `connection.bootstrapBrokers` to be an array',
    )
    const flags = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
    const checked = await runNode(
      [join(root, 'node_modules/typescript/bin/tsc'), ...flags, program],
      {},
      project,
    )
    expect(
      checked.stdout.split('\n').filter((line) => /^(worker|node_modules\/llm-pack-stream)/.test(line)),
    ).toEqual([])
  })

  it('has a command', async () => {
    const { code, stdout } = await runNode([join(modules, 'llm-pack-stream/dist/cli/main.js'), '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('simulate')
  })

  it('satisfies publint and attw', async () => {
    const { messages, pkg } = await publint({ pkgDir: root, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'))!
    const { code, stdout } = await runNode([attw, join(project, tarball), '--profile', 'esm-only'])
    expect({ code, stdout }).toMatchObject({ code: 0 })
  })

  it('names no host and no path of the machine on which it was built', () => {
    const grep = ['-rlE', `https?://(registry|npm)|/work/|/root/`, join(modules, 'llm-pack-stream')]
    expect(() => execFileSync('grep', grep, { stdio: 'pipe' })).toThrow()
  })
})
