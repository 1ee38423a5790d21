import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
/** Collects garbage, so that a measurement does not count the memory of earlier work. */
export const collectGarbage = runInNewContext('gc') as () => void
