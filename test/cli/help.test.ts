import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../helpers/run.ts'
import { cli, exampleOf, Workplace } from '../helpers/cli.ts'

test.each([
  [['--help']],
  [['run', '--help']],
  [['plan', '--help']],
  [['kafka', '--help']],
  [['errors', '--help']],
  [['simulate', '--help']],
  [['demo', '--help']],
  [['report', '--help']],
  [['eval', '--help']],
])('%j', async (args) => {
  const { code, stdout, stderr } = await cli(args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await expect(stdout).toMatchFileSnapshot(`help/${args.join('-').replaceAll('--', '')}.txt`)
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

// The example of `kafka` needs a broker: test/kafka/cli.test.ts tests it.
test.each(['run', 'plan', 'simulate', 'eval'])('the example of %s works unchanged', async (command) => {
  using place = new Workplace()
  const env = place.install()
  rmSync(join(place.path, 'labels.txt'))
  // Another simulator may use that port.
  const example = (await exampleOf(command)).replace('--port 4010', '--port 0')
  expect(example).toContain(`  llm-pack-stream ${command} `)
  const shell = spawn('bash', ['-ec', example], { cwd: place.path, env, detached: true })
  let [said, errors] = ['', '']
  shell.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    // The simulator runs until a signal stops it.
    if (command === 'simulate' && said.includes('Ctrl-C')) process.kill(-(shell.pid ?? NaN), 'SIGINT')
  })
  shell.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  await once(shell, 'close')
  if (command === 'eval') {
    expect(errors).toContain('2 records in 7 arms, for gpt-4o-mini.')
    expect(said).toMatch(/^arm .*\npacks of 1 /)
    return
  }
  // A run prints its summary there.
  expect(errors).toMatch(command === 'run' ? /^done {6}2 records, 2 fulfilled, 0 rejected\n/ : /^$/)
  if (command === 'run') {
    expect(place.rows('results.jsonl').map(({ label }) => label)).toEqual(['card', 'fee'])
  } else {
    const first =
      command === 'plan' ? /^2 records for gpt-4o-mini\. Nothing was sent\.\n/ : /^This is a simulator/
    expect(said).toMatch(first)
  }
})
