import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

// Tests import the package by its name and get the sources, so no build can be stale.
const resolve = { conditions: ['llm-pack-stream-source', 'node', 'import', 'module', 'default'] }

/** What takes long by nature, beside the test that shows the same in short. */
const soak = ['test/**/*.soak.test.ts']
/** What needs a broker. Each file starts one of its own. */
const broker = ['test/kafka/broker/**/*.test.ts']
/** What waits for other processes: for npm, compilers, examples, and servers. */
const waiting = ['test/{house,pages,package}/**/*.test.ts', 'test/promises/{chaos,memory}.test.ts']

// The limits measure nothing. They only end a test that hangs: a busy machine takes ten times as long as an idle one.
const shared: TestProjectInlineConfiguration['test'] = {
  ...{ testTimeout: 240_000, hookTimeout: 240_000, expect: { poll: { timeout: 120_000 } } },
  // Child processes of Node find here what the ones before them have compiled.
  env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url)) },
  setupFiles: ['test/helpers/properties.ts'],
}

function project(name: string, test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration {
  return { resolve, ssr: { resolve }, test: { ...shared, name, ...test } }
}

const kafka = {
  setupFiles: ['test/helpers/properties.ts', 'test/helpers/slow-leader.ts'],
  globalSetup: ['test/helpers/require-kafka.ts'],
}
const cores = availableParallelism()
/** For files that leave the cores to others most of the time. */
const manyWorkers = { maxWorkers: 4 * cores, sequence: { groupOrder: 0 } }

export default defineConfig({
  test: {
    projects: [
      project('kafka', { ...kafka, ...manyWorkers, include: broker, exclude: soak }),
      project('system', { ...manyWorkers, include: waiting, exclude: soak }),
      project('unit', {
        ...{ include: ['test/**/*.test.ts'], exclude: [...soak, ...broker, ...waiting] },
        ...{ maxWorkers: cores, sequence: { groupOrder: 1 } },
      }),
      project('soak', { ...kafka, include: soak, fileParallelism: false }),
    ],
  },
})
