import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeEvalPage } from '../../../src/cli/eval/page.ts'
import { report } from '../eval/example.ts'
import { hostile, pageOf } from '../page/example.ts'

/** Debian's package `chromium`. */
function findChromium(): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v chromium chromium-browser google-chrome'], {
      encoding: 'utf8',
    }).split('\n')[0]
  } catch {
    return undefined
  }
}

const chromium = findChromium()
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

if (!['', '0'].includes(process.env['REQUIRE_CHROMIUM'] ?? '')) {
  test('Chromium is there', () => {
    expect(chromium).toBeDefined()
  })
}

if (chromium === undefined) {
  process.stderr.write(
    'THE PAGE OF A REPORT WAS NOT OPENED: Chromium is not installed (apt-get install chromium).\n',
  )
}

describe.skipIf(chromium === undefined)('the page of a report in Chromium', () => {
  let browser: Browser
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
  const file = join(folder, 'page.html')
  const ofEval = join(folder, 'eval.html')
  const said: string[] = []
  const requests: string[] = []

  async function open(width: number, theme: 'light' | 'dark', name = file): Promise<Page> {
    const page = await browser.newPage()
    page.setDefaultTimeout(0)
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(String(error)))
    page.on('dialog', (dialog) => said.push(dialog.message()))
    page.on('request', (request) => requests.push(request.url()))
    await page.setViewport({ width, height: 900 })
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }])
    await page.goto(pathToFileURL(name).href)
    return page
  }

  beforeAll(async () => {
    const rows = hostile.flatMap((text, i) => [
      { columns: { text, label: text, score: i }, reason: undefined },
      { columns: { text }, reason: { code: 'refused', message: text } },
    ])
    writeFileSync(file, await pageOf(rows))
    const arms = report.arms.map((arm, i) => ({
      ...arm,
      confusions: arm.confusions.map((pair) => ({
        ...pair,
        gold: hostile[i] ?? '',
        said: hostile[i + 7] ?? '',
      })),
    }))
    const use = `llm-pack-stream run ${'x'.repeat(300)}`
    writeFileSync(
      ofEval,
      await makeEvalPage({
        ...{ name: 'tickets.csv', report: { ...report, arms }, use, command: use, server: 'x' },
        ...{ madeAt: new Date(0), version: '1.2.3' },
      }),
    )
    browser = await puppeteer.launch({
      ...{ executablePath: chromium!, pipe: true, args: ['--no-sandbox'] },
      // The limits of the tests end what hangs.
      ...{ timeout: 0, protocolTimeout: 0 },
    })
  })
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
    // Of all pages: nothing but the file was loaded, and nothing ran.
    expect(said).toEqual([])
    expect([...new Set(requests)]).toEqual([file, ofEval].map((name) => pathToFileURL(name).href))
  })

  test.each([
    [1280, 'light', 'a run'],
    [1280, 'dark', 'a run'],
    [400, 'light', 'a run'],
    [400, 'dark', 'a run'],
    [1280, 'light', 'an eval'],
    [400, 'dark', 'an eval'],
  ] as const)('%d px wide, %s, of %s: it fits, and axe finds no fault', async (width, theme, of) => {
    const page = await open(width, theme, of === 'a run' ? file : ofEval)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(paper).toBe(theme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(18, 21, 27)')
    // The policy of the page forbids scripts of the page, and not of the debugger.
    await page.evaluate(axe)
    const faults = await page.evaluate(
      `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 200)).join(' ')))`,
    )
    expect(faults).toEqual([])
    await page.close()
  })

  test('the keyboard reaches the results first, then each link, and opens the numbers of a chart', async () => {
    const page = await open(1280, 'light')
    const focused = () => page.evaluate('document.activeElement.textContent.trim()') as Promise<string>
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the results')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Results')
    await page.focus('figure summary')
    await page.keyboard.press('Enter')
    expect(await page.evaluate(`document.querySelector('figure details').open`)).toBe(true)
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.className')).toBe('scroll')
    await page.close()
  })

  test('it prints in dark ink on white paper, without what only a screen needs', async () => {
    const page = await open(1280, 'dark')
    await page.emulateMediaType('print')
    expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(0, 0, 0)')
    expect(await page.evaluate(`getComputedStyle(document.querySelector('nav')).display`)).toBe('none')
    const pdf = await page.pdf({ format: 'A4' })
    expect(Buffer.from(pdf).toString('latin1', 0, 5)).toBe('%PDF-')
    await page.close()
  })

  test('the text of a record stands there as it is', async () => {
    const page = await open(1280, 'light')
    const text = (await page.evaluate('document.body.textContent')) as string
    for (const record of hostile.slice(0, 12)) expect(text).toContain(record)
    expect(await page.evaluate(`document.querySelectorAll('script, img').length`)).toBe(0)
    await page.close()
  })
})
