import { expect } from 'vitest'
import { FROM_SOURCE, runNode } from '../helpers/run.ts'

/** Runs the chaos job, which checks every promise and names the promise that was broken. */
export async function chaos(...flags: string[]) {
  const args = [FROM_SOURCE, '--expose-gc', 'test/chaos/run.ts', '--json', ...flags]
  const { code, stdout, stderr } = await runNode(args)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as {
    fulfilled: number
    rejected: Record<string, number>
    faults: Record<string, number>
    wasted: Record<string, number>
  }
}

/** The ways to reach a server: an API and an SDK. */
export const ways = [
  { how: 'by Chat Completions', flags: [] },
  { how: 'by the Responses API', flags: ['--api', 'responses'] },
  { how: 'with openai 6', flags: ['--sdk', '6'] },
  { how: 'by the Responses API with openai 6', flags: ['--api', 'responses', '--sdk', '6'] },
]
