import { execFileSync } from 'node:child_process'
import { describe, expect, it, test } from 'vitest'
import { commandLine, withoutTexts } from '../../../src/cli/page/command-line.ts'

describe('the command of a report', () => {
  it('is what a person can paste into a shell', () => {
    const argv = [
      'run',
      'in.csv',
      '--prompt',
      'Don\'t say "$HOME" `x` \\ !\nor *',
      '',
      '--template',
      '{{a}} é 漢',
      '-',
    ]
    const [program, ...rest] = [commandLine(argv, {})].flatMap((line) => {
      const printed = execFileSync('sh', [
        '-c',
        `llm() { printf '%s\\0' "$@"; }; ${line.replace('llm-pack-stream', 'llm')}`,
      ])
      return [line.split(' ')[0], ...printed.toString().split('\0').slice(0, -1)]
    })
    expect(program).toBe('llm-pack-stream')
    expect(rest).toEqual(argv)
  })

  test.each([
    [
      ['--request', '{"user":"me","api_key":"abc\\"def","seed":1}'],
      `--request '{"user":"me","api_key":"***","seed":1}'`,
    ],
    [
      ['--from', 'https://me:geheim@host/a?x=1&api-key=abc#b'],
      `--from 'https://me:***@host/a?x=1&api-key=***#b'`,
    ],
    [['--prompt', 'use sk-proj-abcdefghij0123456789 now'], `--prompt 'use *** now'`],
    [['--prompt', 'the word hunter22 is secret'], `--prompt 'the word *** is secret'`],
    [
      ['--max-pack-tokens', '500', '--count-tokens', 'o200k_base'],
      '--max-pack-tokens 500 --count-tokens o200k_base',
    ],
    [
      ['--request', '{"headers":{"X-Auth":"a","author":"b","cookie":"c"},"password":12,"keys":["d"]}'],
      `--request '{"headers":{"X-Auth":"***","author":"b","cookie":"***"},"password":"***","keys":"***"}'`,
    ],
    [['--from', 'https://geheim@host/a'], `--from 'https://***@host/a'`],
    [
      ['--request', '{"api_keys":["abc"],"headers":{"x-secret":{"v":"abc"}},"pin_token":12,"seed":1.0}'],
      `--request '{"api_keys":"***","headers":{"x-secret":"***"},"pin_token":"***","seed":1}'`,
    ],
    [['--request', '{"a":"{\\"api_key\\":[1]}"}'], `--request '{"a":"{\\"api_key\\":\\"***\\"}"}'`],
    [['--request', '[{"max_tokens":1.0}]'], `--request '[{"max_tokens":1.0}]'`],
    [['--request', '{"api_key":"abc",'], `--request '{"api_key":"***",'`],
    [['--request', '{"max_tokens":5}'], `--request '{"max_tokens":5}'`],
  ])('has no secret: %j', (argv, expected) => {
    expect(commandLine(argv, { MY_PASSWORD: 'hunter22', OPENAI_API_KEY: 'x', PATH: 'now' })).toBe(
      `llm-pack-stream ${expected}`,
    )
  })

  test.each([
    [
      ['run', '--prompt', 'a', '--model', 'm'],
      ['run', '--prompt', '***', '--model', 'm'],
    ],
    [
      ['--request={"seed":1}', '--prompts', 'b'],
      ['--request=***', '--prompts', 'b'],
    ],
    [['--prompt'], ['--prompt']],
  ])('can leave out the texts of the task: %j', (argv, expected) => {
    expect(withoutTexts(argv)).toEqual(expected)
  })
})
