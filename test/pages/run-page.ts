import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { startSimulator } from 'llm-pack-stream/simulator'
import { bareEnv } from '../helpers/cli.ts'
import { FROM_SOURCE, root } from '../helpers/run.ts'

/*
 * Does what a reader of a Markdown page does with its code blocks: from top to bottom, in one empty
 * folder and one shell.
 *
 * - A block of `sh` runs in the shell. The first command that fails ends the page. Variables and
 *   background jobs last.
 * - Another block below a line that ends in "`name.ext`:" is a file. The runner writes it, or, if a
 *   command of the page has made a file of that name, compares the two.
 * - A block of `js` or `ts` that is no file runs as a program.
 * - Any other block is compared with the output of the last block that ran, errors included. `…`
 *   stands for anything within its line, and for any lines if it is alone.
 * - The option `notRun` names all other blocks, each with the reason.
 *
 * `npx llm-pack-stream` is this checkout. `llm-pack-stream`, `openai` and `zod` are installed, and
 * `npm install NAME` installs this checkout's copy of another package.
 */

export interface PageOptions {
  /**
   * The reason why a block does not run, by a part of its text that no other block of the page has.
   */
  readonly notRun?: Readonly<Record<string, string>>
  /** More environment variables for the commands. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Runs a page of this project, with a simulator as the API.
 *
 * @throws {Error} If a block fails, or shows what a command did not print.
 */
export async function runPage(page: string, { notRun = {}, env = {} }: PageOptions = {}): Promise<void> {
  const steps = stepsOf(blocksThatRun(readFileSync(resolve(root, page), 'utf8'), notRun, page), page)
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-page-'))
  const simulator = await startSimulator({
    latency: { timeToFirstToken: 1, outputTokensPerSecond: 10_000 },
  })
  try {
    const api = { OPENAI_API_KEY: 'simulator', OPENAI_BASE_URL: simulator.baseURL }
    const read = (name: string) => readFileSync(join(folder, name), 'utf8')
    const code = await runScript(steps, folder, { ...prepare(folder), ...api, ...env })
    if (code !== 0) {
      const { line, output } = steps.findLast(({ output }) => existsSync(join(folder, output))) ?? steps[0]!
      throw new Error(`${page}:${line}: the block fails with exit code ${code} and prints\n${read(output)}`)
    }
    for (const { line, shown, output } of steps) {
      if (shown === undefined || patternOf(shown).test(trimmed(read(output)))) continue
      throw new Error(`${page}:${line}: the page shows\n${shown}\nbut there is\n${read(output)}`)
    }
  } finally {
    await simulator.close()
    // What ran in the background may still be ending.
    rmSync(folder, { recursive: true, maxRetries: 5 })
  }
}

interface Block {
  readonly line: number
  readonly language: string
  readonly text: string
  /** The name of the file that the block is. */
  readonly file: string | undefined
}

/** What the shell does with a block. */
interface Step {
  readonly line: number
  readonly command: string
  /** The name and text of the block's own file. */
  readonly source: readonly [string, string]
  /** The file that the step leaves for the comparison. */
  readonly output: string
  /** What the page shows, for a block that is compared. */
  readonly shown?: string
}

function blocksThatRun(markdown: string, notRun: Readonly<Record<string, string>>, page: string): Block[] {
  const left = new Set(blocksOf(markdown, page))
  for (const part of Object.keys(notRun)) {
    const found = [...left].filter(({ text }) => text.includes(part))
    const [block] = found
    if (block === undefined || found.length > 1) {
      throw new Error(`${page}: expected one block with ${JSON.stringify(part)}, found ${found.length}`)
    }
    left.delete(block)
  }
  return [...left]
}

function blocksOf(markdown: string, page: string): Block[] {
  const lineAt = (index: number) => markdown.slice(0, index).split('\n').length
  const indented = markdown.search(/^ +```/m)
  if (indented >= 0) throw new Error(`${page}:${lineAt(indented)}: a code block must not be indented`)
  return Array.from(markdown.matchAll(/^```(\w*).*\n([^]*?)^```$/gm), (match) => ({
    line: lineAt(match.index),
    language: match[1]!,
    text: match[2]!,
    file: /`([\w./-]+\.\w+)`:\s*$/.exec(markdown.slice(0, match.index))?.[1],
  }))
}

function stepsOf(blocks: readonly Block[], page: string): Step[] {
  const files = new Set<string>()
  let printed: string | undefined
  return blocks.map(({ line, language, text, file }) => {
    const isFile = file !== undefined && language !== 'sh'
    const isProgram = !isFile && ['js', 'ts'].includes(language)
    const name = `.page/${line}.${isProgram ? language : 'txt'}`
    const output = `.page/${line}.out`
    const step = { line, output, source: [name, text] as const }
    if (isFile) {
      const write = `mkdir -p "$(dirname ${file})" && cp ${name} ${file}`
      // A file of a command's is kept as it is at this point of the page.
      const command = `${files.has(file) ? write : `[[ -e ${file} ]] || { ${write}; }`}; cp ${file} ${output}`
      files.add(file)
      return { ...step, command, shown: text }
    }
    if (isProgram || language === 'sh') {
      printed = output
      return { ...step, command: `exec >${output} 2>&1\n${isProgram ? `node ${name}` : text}` }
    }
    if (printed === undefined) throw new Error(`${page}:${line}: no command above this block prints it`)
    return { ...step, command: `cp ${printed} ${output}`, shown: text }
  })
}

/** Limit of a page. It is below the limit of a test, so that the error names the block. */
const PAGE_LIMIT_MS = 200_000

/** Runs all steps in one shell, and returns its exit code. */
async function runScript(steps: readonly Step[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  for (const { source } of steps) writeFileSync(join(cwd, source[0]), source[1])
  writeFileSync(join(cwd, '.page/script'), steps.map(({ command }) => command).join('\n'))
  // A group of its own, so that what the page leaves in the background ends with it.
  const options = { cwd, env, stdio: 'ignore', detached: true, timeout: PAGE_LIMIT_MS } as const
  const shell = spawn('bash', ['-e', '.page/script'], { ...options, killSignal: 'SIGKILL' })
  const [code] = (await once(shell, 'exit')) as [number | null]
  try {
    process.kill(-shell.pid!, 'SIGKILL')
  } catch {
    // The page has left nothing.
  }
  return code ?? 1
}

/** Installs the package in the folder, and returns the environment of the shell there. */
function prepare(folder: string): NodeJS.ProcessEnv {
  mkdirSync(join(folder, '.page'))
  mkdirSync(join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(root, join(folder, 'node_modules/llm-pack-stream'))
  for (const name of ['openai', 'zod']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  const path = [join(root, 'test/pages/bin'), dirname(process.execPath), process.env['PATH']]
  return { ...bareEnv, PATH: path.join(delimiter), NODE_OPTIONS: FROM_SOURCE }
}

/** Without spaces that a reader cannot see. */
const trimmed = (text: string) => `${text.replace(/[^\S\n]+$/gm, '').trimEnd()}\n`

/** What the page shows, with `…` for what it leaves out. */
function patternOf(shown: string): RegExp {
  const lines = trimmed(shown).slice(0, -1).split('\n')
  const parts = lines.map((line) =>
    line.trim() === '…'
      ? '(?:.*\n)*'
      : `${line.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('…', '.*')}\n`,
  )
  return new RegExp(`^${parts.join('')}$`)
}
