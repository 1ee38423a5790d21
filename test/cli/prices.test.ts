import { describe, expect, test } from 'vitest'
import { atOnce, jsonl, messages, wholePacks, Workplace } from '../helpers/cli.ts'

interface Report {
  readonly stats?: {
    readonly cost?: number
    readonly tokens: { readonly input: number; readonly output: number }
  }
  readonly price: {
    readonly said: string
    readonly pricing?: object
    readonly list?: { readonly date: string }
  }
  readonly rows?: readonly { readonly cost?: object }[]
}

const prices = JSON.stringify([
  {
    ...{ provider: 'Us', source: 'contract', date: '2026-11-30' },
    models: { 'our-model': { input: 1, output: 2 } },
  },
])

async function reportOf(command: 'run' | 'plan', model: string, ...flags: string[]) {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(20)), 'prices.json': prices })
  const [, ...job] = place.job()
  const sending = command === 'run' ? ['-o', 'out.jsonl', ...atOnce, ...wholePacks] : []
  const args = [command, ...job, '--field', 'text', '--model', model, '--json', ...sending, ...flags]
  const { code, stdout, stderr } = await place.run(args)
  return { code, stderr, report: (stdout === '' ? {} : JSON.parse(stdout)) as Report }
}

describe.each(['run', 'plan'] as const)('the price of %s', (command) => {
  const costOf = ({ stats, rows }: Report) => stats?.cost ?? rows?.[0]?.cost

  test('is the list price of the model, with its day', async () => {
    const { code, report } = await reportOf(command, 'gpt-4o-mini')
    expect(code).toBe(0)
    expect(report.price).toMatchObject({
      pricing: { input: 0.15, cachedInput: 0.075, output: 0.6 },
      list: { provider: 'OpenAI', model: 'gpt-4o-mini', date: '2026-11-10' },
      said: 'list price of gpt-4o-mini (OpenAI, as of 2026-11-10)',
    })
    expect(costOf(report)).toBeDefined()
  })

  test('is the stated price, before any table', async () => {
    const { report } = await reportOf(command, 'gpt-4o-mini', '--price-in', '1', '--price-out', '2')
    expect(report.price).toEqual({ pricing: { input: 1, output: 2 }, said: '' })
  })

  test('comes from a file', async () => {
    const { report } = await reportOf(command, 'our-model', '--prices', 'prices.json')
    expect(report.price.said).toBe('list price of our-model (Us, as of 2026-11-30)')
    expect(costOf(report)).toBeDefined()
  })

  test.each([
    ['m', [], 'not known: the price table has no price of m at this server'],
    ['gpt-4o-mini', ['--prices', 'prices.json'], 'not known: prices.json has no price of gpt-4o-mini'],
    [
      ...(['gpt-4o-mini', ['--request', '{"service_tier":"flex"}']] as const),
      'not known: the price table has no price of gpt-4o-mini with service_tier "flex"',
    ],
  ])('is not guessed: %s %j', async (model, flags, said) => {
    const { code, report } = await reportOf(command, model, ...flags)
    expect(code).toBe(0)
    expect(report.price.said).toContain(said)
    expect(costOf(report)).toBeUndefined()
  })
})

test('a cap on the cost works with a list price', async () => {
  const { code, stderr, report } = await reportOf('run', 'gpt-4o-mini', '--max-cost', '0.0000001')
  expect(code).toBe(3)
  expect(stderr).toContain('--max-cost')
  expect(report.stats?.cost).toBe(0)
})

test.each([
  [
    ['--max-cost', '1'],
    'Expected --price-in and --price-out with --max-cost: the price table has no price of m at this server',
  ],
  [['--prices', 'absent.json'], '--prices: absent.json: expected a price table: ENOENT'],
  [['--prices', 'labels.txt'], '--prices: labels.txt: expected a price table: Unexpected token'],
])('a usage error says what is wrong with the price: %j', async (flags, message) => {
  const { code, stderr } = await reportOf('run', 'm', ...flags)
  expect(code).toBe(2)
  expect(stderr).toContain(message)
})
