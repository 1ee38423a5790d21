import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { RowError, wholeText } from '../../files/index.ts'
import { UsageError } from './usage-error.ts'

/** The files and flags of a command, its config file included. */
export interface Given<Flags> {
  /** Input files, and glob patterns of input files. */
  readonly patterns: readonly string[]
  readonly flags: Flags
}

/**
 * Reads the files and flags of a command. Its config file gives the values that the command line
 * leaves out.
 *
 * @throws {UsageError} For an unknown option in the config file, or an unusable value. It names
 *   both.
 */
export function withConfig<Flags extends { config?: string }>(
  command: Command,
  patterns: readonly string[],
): Given<Flags> {
  const { config } = command.opts<Flags>()
  const files = config === undefined ? [] : applyConfig(command, config)
  // `opts` once more: the config file has set values.
  return { patterns: patterns.length > 0 ? patterns : files, flags: command.opts<Flags>() }
}

/**
 * Sets the options of a config file, but not the options of other commands: one file may serve
 * several commands. Returns its input files. Paths start from its folder.
 */
function applyConfig(command: Command, file: string): string[] {
  const { files = [], ...settings } = readObject(file, '--config')
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

/** Converts a value of the config file to the value that the command line would give. */
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
  // A path starts from the folder of the config file.
  if (option.flags.endsWith(' <file>')) return resolve(dirname(file), text)
  if (option.flags.endsWith(' <source>')) {
    return text.replace(/(?<=^sqlite:).+?(?=\?query=)/s, (path) => resolve(dirname(file), path))
  }
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

/** Reads a small JSON file of options that a flag names. */
export function readObject(name: string, flag: string): Record<string, unknown> {
  const text = readText(name, flag)
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

/** Reads a small file that an option names: UTF-8 or UTF-16, with any line ends. */
export function readText(name: string, option: string): string {
  try {
    return wholeText(readFileSync(name), name)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (cause instanceof RowError) throw new UsageError(`${option}: ${message}`, { cause })
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message
    throw new UsageError(`${option}: ${name}: ${why}`, { cause })
  }
}

/** Makes one name of `max-cost`, `--max-cost` and `maxCost`. */
function camel(name: string): string {
  return name.replace(/^--/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
