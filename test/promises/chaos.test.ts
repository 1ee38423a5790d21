import { describe, expect, it } from 'vitest'
import { FROM_SOURCE, runNode } from '../helpers/run.ts'

/** The chaos run checks every promise on its way, and says which one was broken. */
async function chaos(...flags: string[]) {
  const args = [FROM_SOURCE, '--expose-gc', 'test/chaos/run.ts', '--json', ...flags]
  const { code, stdout, stderr } = await runNode(args)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as {
    fulfilled: number
    rejected: Record<string, number>
    faults: Record<string, number>
  }
}

describe('a server that does everything wrong, and a slow consumer', () => {
  it('20,000 records: each has one outcome, all that can succeed do, nothing is left behind', async () => {
    const { fulfilled, rejected } = await chaos('--records', '20000', '--seed', '1')
    // One in 400 is poisoned.
    expect(fulfilled).toBe(19_950)
    expect(Object.values(rejected).reduce((sum, count) => sum + count, 0)).toBe(50)
  })

  it.each([
    ['by the Responses API', ['--api', 'responses']],
    ['with openai 6', ['--sdk', '6']],
    ['by the Responses API with openai 6', ['--api', 'responses', '--sdk', '6']],
  ])('the same %s, with fewer records and another seed', async (_how, flags) => {
    const { fulfilled } = await chaos('--records', '3000', '--seed', '2', ...flags)
    expect(fulfilled).toBe(3_000 - 7)
  })
})
