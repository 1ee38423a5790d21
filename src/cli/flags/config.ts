import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { UsageError } from './usage-error.ts'

/** What a command was given, its config file included. */
export interface Given<Flags> {
  /** Input files, and patterns of their names. */
  readonly patterns: readonly string[]
  readonly flags: Flags
}

/**
 * The files and flags of a command: those of its config file where the command line does not give them.
 *
 * @throws {UsageError} Naming the config file, and the option that nobody knows or whose value cannot be used.
 */
export function withConfig<Flags extends { config?: string }>(
  command: Command,
  patterns: readonly string[],
): Given<Flags> {
  const { config } = command.opts<Flags>()
  const files = config === undefined ? [] : applyConfig(command, config)
  // Read again: the config file has set some.
  return { patterns: patterns.length > 0 ? patterns : files, flags: command.opts<Flags>() }
}

/**
 * One file may serve several commands: what only another one knows is left to it. Returns the input files it names; paths
 * count from its folder.
 */
function applyConfig(command: Command, file: string): string[] {
  const { files = [], ...settings } = readObject(file)
  for (const [name, value] of Object.entries(settings)) {
    const isMeant = (one: Command) =>
      one.options.find((option) => [option.attributeName(), camel(option.long ?? '')].includes(camel(name)))
    const option = isMeant(command)
    if (!option) {
      if (command.parent?.commands.some(isMeant)) continue
      throw new UsageError(`${file}: there is no option ${JSON.stringify(name)}`)
    }
    const attribute = option.attributeName()
    if (attribute === 'config') throw new UsageError(`${file}: "config" cannot be set in a config file`)
    if (command.getOptionValueSource(attribute) === 'cli') continue
    command.setOptionValueWithSource(attribute, optionValue(option, name, value, file), 'config')
  }
  if (!Array.isArray(files) || !files.every((one) => typeof one === 'string')) {
    throw new UsageError(`${file}: "files": expected a list of file names`)
  }
  return files.map((one) => (one === '-' ? one : resolve(dirname(file), one)))
}

/** A value as the command line would give it. */
function optionValue(
  option: Command['options'][number],
  name: string,
  value: unknown,
  file: string,
): unknown {
  const where = `${file}: ${JSON.stringify(name)}`
  if (option.isBoolean() || option.negate) {
    if (typeof value !== 'boolean') {
      throw new UsageError(`${where}: expected true or false, got ${JSON.stringify(value)}`)
    }
    // `"no-progress": true` is `"progress": false`.
    return camel(name) === option.attributeName() ? value : !value
  }
  const isText = ['string', 'number'].includes(typeof value)
  if (!isText && !option.flags.endsWith(' <json>')) {
    throw new UsageError(`${where}: expected a value for ${option.flags}, got ${JSON.stringify(value)}`)
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // As its help says.
  if (option.flags.endsWith(' <file>')) return resolve(dirname(file), text)
  if (option.argChoices && !option.argChoices.includes(text)) {
    throw new UsageError(`${where}: expected ${option.argChoices.join(', ')}, got ${JSON.stringify(text)}`)
  }
  try {
    const parse = option.parseArg as ((text: string, previous: unknown) => unknown) | undefined
    return parse ? parse(text, undefined) : text
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${file}: ${error.message}`, { cause: error })
    throw error
  }
}

function readObject(name: string): Record<string, unknown> {
  const text = readText(name, '--config')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`${name}: expected JSON: ${(cause as Error).message}`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${name}: expected a JSON object of options`)
  }
  return value as Record<string, unknown>
}

/** A small file that an option names, whole, without a byte order mark. */
export function readText(name: string, option: string): string {
  try {
    return readFileSync(name, 'utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message
    throw new UsageError(`${option}: ${name}: ${why}`, { cause })
  }
}

/** `max-cost`, `--max-cost` and `maxCost` are the same. */
function camel(name: string): string {
  return name.replace(/^--/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
