import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

// Tests import the package by its name and get the sources, so no build can be stale.
const resolve = { conditions: ['llm-pack-stream-source', 'node', 'import', 'module', 'default'] }

/** What takes long by nature, beside the test that shows the same in short. */
const soak = ['test/**/*.soak.test.ts']
/** What needs a broker. Each file starts one of its own. */
const broker = ['test/kafka/broker/**/*.test.ts']
/** What waits for other processes most of the time, and what needs modules of its own, since it mocks one. */
const system = [
  ...['test/{house,pages,package}/**/*.test.ts', 'test/promises/{chaos,memory}.test.ts'],
  'test/options/exact-tokens.test.ts',
]
/** What tries more in the soak. */
const properties = globSync('test/**/*.test.ts').filter((file) =>
  /import .*\b(?:runs|isSoak)\b.*properties\.ts'/.test(readFileSync(file, 'utf8')),
)

// The limits measure nothing. They only end a test that hangs: a busy machine takes ten times as long as an idle one.
const limits = { testTimeout: 240_000, hookTimeout: 240_000, expect: { poll: { timeout: 120_000 } } }
const soakLimits = { ...limits, testTimeout: 1_200_000 }

// Child processes of Node find there what the ones before them have compiled.
const env = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url)) }

function project(name: string, test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration {
  const setupFiles = ['test/helpers/properties.ts']
  return { resolve, ssr: { resolve }, test: { ...limits, env, setupFiles, name, ...test } }
}

const kafka = {
  setupFiles: ['test/helpers/properties.ts', 'test/helpers/slow-leader.ts'],
  globalSetup: ['test/helpers/require-kafka.ts'],
}
const cores = availableParallelism()

/** Projects of one group run at the same time, and the groups in their order. */
export default defineConfig({
  test: {
    projects: [
      project('kafka', {
        ...{ ...kafka, include: broker, exclude: soak },
        ...{ maxWorkers: 4 * cores, sequence: { groupOrder: 1 } },
      }),
      project('system', {
        ...{ include: system, exclude: soak },
        ...{ maxWorkers: 4 * cores, sequence: { groupOrder: 1 } },
      }),
      project('unit', {
        ...{ include: ['test/**/*.test.ts'], exclude: [...soak, ...broker, ...system] },
        // Files share what they have loaded: no test leaves anything behind.
        ...{ maxWorkers: cores, isolate: false, sequence: { groupOrder: 2 } },
      }),
      project('soak-properties', {
        ...{ ...soakLimits, include: properties, env: { ...env, SOAK: '1' } },
        ...{ maxWorkers: cores, isolate: false, sequence: { groupOrder: 3 } },
      }),
      project('soak', {
        ...{ ...soakLimits, ...kafka, include: soak },
        ...{ maxWorkers: 1, sequence: { groupOrder: 4 } },
      }),
    ],
  },
})
