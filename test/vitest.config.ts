import { defineConfig } from 'vitest/config'

// Tests import the package by its name and get the sources, so no build can be stale.
const resolve = { conditions: ['llm-pack-stream-source', 'node', 'import', 'module', 'default'] }

// No measure of anything: they only end a test that hangs, and a busy machine takes ten times as long as an idle one.
const limits = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 60_000 } } }

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr: { resolve },
        test: {
          ...limits,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/helpers/properties.ts'],
        },
      },
      {
        resolve,
        ssr: { resolve },
        // The command line, as a process of its own each time.
        test: { ...limits, name: 'cli', include: ['test/cli/**/*.test.ts'] },
      },
      {
        resolve,
        ssr: { resolve },
        // Child processes, whole examples, a million records: one at a time, so that they measure themselves.
        test: {
          ...limits,
          name: 'whole',
          include: ['test/whole/**/*.test.ts'],
          fileParallelism: false,
        },
      },
      {
        resolve,
        ssr: { resolve },
        // One broker, and groups whose members meet within seconds: one at a time.
        test: {
          ...limits,
          name: 'kafka',
          include: ['test/kafka/**/*.test.ts'],
          setupFiles: ['test/helpers/slow-leader.ts'],
          globalSetup: ['test/helpers/require-kafka.ts'],
          fileParallelism: false,
        },
      },
    ],
  },
})
