// Import this with --import and --expose-gc. Every 2 s it collects the garbage, and appends the
// memory in use, in bytes, to the file that LIVE_MEMORY names.
import { appendFileSync } from 'node:fs'

const file = process.env['LIVE_MEMORY']
if (file === undefined || globalThis.gc === undefined) throw new Error('LIVE_MEMORY and --expose-gc')
const collect = globalThis.gc
const write = (): void => {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  appendFileSync(file, `${heapUsed + external}\n`)
}
setInterval(write, 2_000).unref()
