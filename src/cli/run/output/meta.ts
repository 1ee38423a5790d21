import { UsageError } from '../../flags/usage-error.ts'

/** Which columns about the outcome an output has. */
export interface Meta {
  readonly hasIndex: boolean
  /** Without it, rejected records have no row: they would look like results. */
  readonly hasError: boolean
}

const NAMES = ['index', 'error']

/** Reads the flag `--meta`. */
export function metaOf(flag = 'index,error'): Meta {
  const names = flag === 'none' ? [] : flag.split(',').map((name) => name.trim())
  if (names.some((name) => !NAMES.includes(name))) {
    throw new UsageError(`--meta: expected index, error, index,error or none, got ${flag}`)
  }
  return { hasIndex: names.includes('index'), hasError: names.includes('error') }
}
