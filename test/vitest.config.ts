import { defineConfig } from 'vitest/config'

// Tests import the package by its name and get the sources, so no build can be stale.
const resolve = { conditions: ['llm-pack-stream-source', 'node', 'import', 'module', 'default'] }

// No measure of anything: they only end a test that hangs, and a busy machine takes ten times as long as an idle one.
const limits = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 60_000 } } }

/** Child processes that measure themselves, and a million records: one file at a time. */
const alone = [
  ...[
    'test/promises/{chaos,memory}.test.ts',
    'test/cli/run/memory.test.ts',
    'test/api/other-servers.test.ts',
  ],
  ...['test/pages/**/*.test.ts', 'test/package/**/*.test.ts'],
]
/** One broker, and groups whose members meet within seconds: one file at a time. */
const broker = ['test/kafka/broker/**/*.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr: { resolve },
        test: {
          ...limits,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...alone, ...broker],
          setupFiles: ['test/helpers/properties.ts'],
        },
      },
      {
        resolve,
        ssr: { resolve },
        test: { ...limits, name: 'alone', include: alone, fileParallelism: false },
      },
      {
        resolve,
        ssr: { resolve },
        test: {
          ...limits,
          name: 'kafka',
          include: broker,
          setupFiles: ['test/helpers/slow-leader.ts'],
          globalSetup: ['test/helpers/require-kafka.ts'],
          fileParallelism: false,
        },
      },
    ],
  },
})
