import { test } from 'vitest'
import { runPage } from './run-page.ts'

test('CSV labels', async () => {
  await runPage('docs/recipes/csv-labels.md')
})

test('nested extraction', async () => {
  await runPage('docs/recipes/nested-extraction.md')
})

test('translation in order', async () => {
  await runPage('docs/recipes/translation.md')
})

test('SQLite', async () => {
  await runPage('docs/recipes/sqlite.md')
})
