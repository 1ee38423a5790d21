/**
 * `npm run bench [name …]` runs all benchmarks, or the named benchmarks. Each prints its ratios,
 * which are all measured in one run.
 */
import { cli } from './cli.ts'
import { coverage } from './coverage.ts'
import { faults } from './faults.ts'
import { kafka } from './kafka.ts'
import { linear } from './linear.ts'
import { limits } from './limits.ts'
import { overhead, overheadTable } from './overhead.ts'
import { resume } from './resume.ts'
import { reading } from './reading.ts'
import { writing } from './writing.ts'
import { seed } from './seed.ts'

const benchmarks: Record<string, () => Promise<void>> = {
  seed,
  async overhead() {
    console.log(overheadTable(await overhead()))
  },
  linear,
  faults,
  limits,
  cli,
  resume,
  kafka,
  reading,
  writing,
  coverage,
}

const names = process.argv.slice(2)
const unknown = names.find((name) => !Object.hasOwn(benchmarks, name))
if (unknown !== undefined) {
  console.error(`There is no benchmark ${unknown}: ${Object.keys(benchmarks).join(', ')}`)
  process.exit(2)
}
for (const [name, run] of Object.entries(benchmarks)) {
  if (names.length === 0 || names.includes(name)) await run()
}
