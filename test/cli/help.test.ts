import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../helpers/run.ts'
import { atOnce, cli, messages, Workplace } from '../helpers/cli.ts'

test.each([[['--help']], [['run', '--help']], [['plan', '--help']], [['simulate', '--help']]])(
  '%j',
  async (args) => {
    const { code, stdout, stderr } = await cli(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await expect(stdout).toMatchFileSnapshot(`help/${args.join(' ').replaceAll('--', '')}.txt`)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
  },
)

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

/** The command of a help text's example, as the shell would split it. */
async function exampleOf(command: string): Promise<string[]> {
  const { stdout } = await cli([command, '--help'])
  const [, example = ''] = /Examples?:\n {2}llm-pack-stream ((?:.*\\\n)*.*)/.exec(stdout) ?? []
  return example.replaceAll('\\\n', ' ').split(/\s+/)
}

test.each(['run', 'plan'])('the example of %s works', async (command) => {
  const [header, ...rows] = messages(5)
    .map(({ id, text }) => `${id},${text}\n`)
    .toSpliced(0, 0, 'id,text\n')
  using place = new Workplace({ 'tickets.csv': [header, ...rows].join(''), 'prompt.md': 'Label it.' })
  const args = await exampleOf(command)
  expect(args[0]).toBe(command)
  const ended = await place.run([...args, ...(command === 'run' ? atOnce : [])])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  if (command === 'run') expect(place.rows('labels.jsonl')).toHaveLength(5)
  else expect(ended.stdout).toMatch(/^5 records for gpt-4o-mini\. Nothing was sent\.\n/)
})
