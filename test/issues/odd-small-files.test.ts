import { describe, expect, test } from 'vitest'
import { atOnce, Workplace } from '../helpers/cli.ts'

const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')

/** Runs one record with small files. Returns the results and the error. */
async function runWith(files: Record<string, string | Uint8Array>, ...flags: string[]) {
  using place = new Workplace({
    'in.jsonl': '{"text":"a café"}\n{"text":"a loan"}\n',
    'labels.txt': 'café\nloan\n',
    ...files,
  })
  const labels = flags.includes('--schema') ? [] : ['--labels', 'labels.txt']
  const prompt = flags.includes('--instructions') ? [] : ['--prompt', 'p']
  const args = ['run', 'in.jsonl', '--field', 'text', '--ordered', '--model', 'm', ...labels, ...prompt]
  const { code, stdout, stderr } = await place.run([...args, ...atOnce, ...flags])
  return { code, results: stdout.match(/café"|loan"|error/g)?.join() ?? '', stderr }
}

const schema = '{"type":"object","properties":{"label":{"enum":["café","loan"]}},"required":["label"]}'
const example = '{"record":"x","value":{"label":"café"}}\r\n{"record":"y","value":{"label":"loan"}}\r\n'
const kinds: [string, string, string, string[]][] = [
  ['labels', 'labels.txt', 'café\r\nloan\r\n', []],
  ['instructions', 'p.md', 'Say where the café is.\r\n', ['--instructions', 'p.md']],
  ['examples', 'e.jsonl', example, ['--examples', 'e.jsonl']],
  ['a schema', 's.json', schema, ['--schema', 's.json']],
  ['a config', 'c.json', '{"prefix":"café_"}', ['--config', 'c.json']],
  ['variables', 'café.env', 'X="café"\r\n', ['--env-file', 'café.env']],
]

describe.each(kinds)('%s', (_, name, text, flags) => {
  test.each([
    ['UTF-16', utf16(text)],
    ['big-endian UTF-16', utf16(text).swap16()],
    ['a byte order mark', `\ufeff${text}`],
    ['CR line ends', text.replaceAll('\r\n', '\r')],
  ])('in a file with %s are read', async (__, content) => {
    const { code, results, stderr } = await runWith({ [name]: content }, ...flags)
    expect(stderr.split('\n').filter((line) => /expected/i.test(line))).toEqual([])
    expect(code).toBe(0)
    expect(results).toContain('café"')
    expect(results).toContain('loan"')
  })

  test('in windows-1252 are refused, with the file and the line', async () => {
    const content = Buffer.from(`\n${text}`, 'latin1')
    const { code, stderr } = await runWith({ [name]: content }, ...flags)
    expect(stderr).toContain(
      `${name}:2: expected UTF-8 or UTF-16, got bytes that are not. Save the file as UTF-8`,
    )
    expect(code).toBe(2)
  })
})

test('a .env with a byte order mark gives its variables', async () => {
  using place = new Workplace({ '.env': '\ufeffOPENAI_MODEL=m\r\n', 'in.jsonl': '{"text":"returns"}\n' })
  const args = ['run', 'in.jsonl', '--labels', 'labels.txt', '--prompt', 'p', ...atOnce]
  expect(await place.run(args)).toMatchObject({ code: 0 })
})

test('an --env-file that is absent is named', async () => {
  const { code, stderr } = await runWith({}, '--env-file', 'nope.env')
  expect(stderr).toContain('--env-file: nope.env: there is no such file')
  expect(code).toBe(2)
})
