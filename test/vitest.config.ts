import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

// Tests import the package by its name and get the sources, so they never use an old build.
const resolve = { conditions: ['llm-pack-stream-source', 'node', 'import', 'module', 'default'] }

/** Long tests. Beside each of them, a short test shows the same. */
const soak = ['test/**/*.soak.test.ts']
/** Tests that need a broker. Each file starts its own broker. */
const broker = ['test/kafka/broker/**/*.test.ts']
/** Tests that mostly wait for other processes. */
const system = [
  ...['test/{house,pages,package}/**/*.test.ts', 'test/promises/{chaos,memory}.test.ts'],
  'test/options/exact-tokens.test.ts',
  ...[
    'test/cli/run/**/*.test.ts',
    'test/cli/{demo,kafka,simulate,terminal}/*.test.ts',
    'test/api/other-servers.test.ts',
    'test/cli/plan/command.test.ts',
    'test/cli/errors.test.ts',
    'test/stream/sockets.test.ts',
  ],
  // It counts what V8 has not optimized yet.
  'test/promises/linear.test.ts',
  'test/stream/secrets.test.ts',
]
/** Tests that run more cases in the soak. */
const properties = globSync('test/**/*.test.ts').filter((file) =>
  /import .*\b(?:runs|isSoak)\b.*properties\.ts'/.test(readFileSync(file, 'utf8')),
)

// The limits only end a test that hangs. With all cores busy, the longest test took three minutes.
const limits = { testTimeout: 600_000, hookTimeout: 600_000, expect: { poll: { timeout: 300_000 } } }
const soakLimits = { ...limits, testTimeout: 1_200_000 }

// The compile cache for child processes of Node.
const env = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url)) }

function project(name: string, test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration {
  const setupFiles = ['test/helpers/properties.ts', 'test/helpers/stall.ts']
  return { resolve, ssr: { resolve }, test: { ...limits, env, setupFiles, name, ...test } }
}

const kafka = {
  setupFiles: ['test/helpers/properties.ts', 'test/helpers/stall.ts', 'test/helpers/slow-leader.ts'],
  globalSetup: ['test/helpers/require-kafka.ts'],
}
const cores = availableParallelism()

/**
 * Projects of one group run at the same time. The groups run in their order. Files that wait for
 * other processes get many workers. Files that compute get one for each core.
 */
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
        // Files of one worker share the modules that they load, which saves a third of the time.
        ...{ maxWorkers: cores, isolate: false, sequence: { groupOrder: 2 } },
      }),
      project('soak-properties', {
        ...{ ...soakLimits, include: properties, env: { ...env, SOAK: '1' } },
        ...{ maxWorkers: cores, sequence: { groupOrder: 3 } },
      }),
      project('soak', {
        ...{ ...soakLimits, ...kafka, include: soak },
        ...{ maxWorkers: 1, sequence: { groupOrder: 4 } },
      }),
    ],
  },
})
