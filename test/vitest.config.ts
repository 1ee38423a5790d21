import { defineConfig } from 'vitest/config'

// Tests import the package by its name and get the sources, so no build can be stale.
const resolve = { conditions: ['llm-pack-stream-source', 'node', 'import', 'module', 'default'] }

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr: { resolve },
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/helpers/properties.ts'],
        },
      },
      {
        resolve,
        ssr: { resolve },
        // The command line, as a process of its own each time.
        test: { name: 'cli', include: ['test/cli/**/*.test.ts'], testTimeout: 120_000 },
      },
      {
        resolve,
        ssr: { resolve },
        // Child processes, whole examples, a million records: one at a time, so that they measure themselves.
        test: {
          name: 'whole',
          include: ['test/whole/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
    ],
  },
})
