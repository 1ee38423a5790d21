import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../helpers/run.ts'
import { Workplace } from '../helpers/cli.ts'

const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The arguments of each command of ours that the README shows in a block of its own. */
const commands = Array.from(
  readme.matchAll(/```sh\nnpx llm-pack-stream ((?:.*\\\n)*.*)\n```/g),
  ([, args = '']) => args.replaceAll('\\\n', ' ').trim().split(/\s+/),
)

test('the commands of the README work, and print what it shows', async () => {
  expect(commands.map(([name]) => name)).toEqual(['run', 'plan'])
  using place = new Workplace()
  symlinkSync(join(root, 'examples'), join(place.path, 'examples'))
  for (const args of commands) {
    const { code, stdout, stderr } = await place.run([...args])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    if (args[0] === 'run') {
      expect(place.rows('labels.jsonl')).toHaveLength(330)
      for (const row of place.rows('labels.jsonl')) expect(row).toHaveProperty('predicted_label')
    } else {
      const [, shown = 'nothing'] = /```text\n([^`]*)```/.exec(readme) ?? []
      expect(stdout).toContain(shown)
    }
  }
})
