import type { Option } from 'commander'

/** Flags that `run` has too, but whose files and forms are those of the eval. */
const OF_EVAL = ['--output', '--report', '--overwrite', '--json', '--quiet']

/**
 * The arguments of a `run` with the recommended size: those of the eval that `run` has too.
 *
 * @param argv The arguments of the eval, its name first.
 * @param own The options of `eval`, and those of `run`.
 */
export function runArguments(
  argv: readonly string[],
  own: readonly Option[],
  ofRun: readonly Option[],
  size: number,
): string[] {
  const isKept = ({ long }: Option) => !OF_EVAL.includes(long ?? '') && ofRun.some((one) => one.long === long)
  const kept: string[] = []
  const rest = argv.slice(1)
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') {
      kept.push(argument, ...rest)
      break
    }
    const option = own.find((one) => isOption(one, argument))
    const value = option && takesNext(option, argument) ? rest.splice(0, 1) : []
    if (!option || isKept(option)) kept.push(argument, ...value)
  }
  const end = kept.indexOf('--')
  const added = ['--max-pack-records', String(size), '-o', 'results.jsonl']
  return ['run', ...(end < 0 ? [...kept, ...added] : kept.toSpliced(end, 0, ...added))]
}

function isOption({ short, long }: Option, argument: string): boolean {
  if (argument === short || argument === long) return true
  if (argument.startsWith('--')) return long !== undefined && argument.startsWith(`${long}=`)
  return short !== undefined && argument.startsWith(short)
}

/** Whether the value is an argument of its own. */
function takesNext({ required, short, long }: Option, argument: string): boolean {
  return required && (argument === short || argument === long)
}
