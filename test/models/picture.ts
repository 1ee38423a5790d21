// node --conditions=llm-pack-stream-source test/models/picture.ts
//
// Evaluates the small model of `test/models/install.sh`, and writes the upper part of its page
// as the picture `examples/eval-smollm2.png`. Needs Debian's package `chromium`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import puppeteer from 'puppeteer-core'
import { evalAnimals } from './eval-animals.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
try {
  const { recommendation } = await evalAnimals(folder)
  console.log(recommendation.sentences.join('\n'))
  const browser = await puppeteer.launch({
    ...{ executablePath: '/usr/bin/chromium', pipe: true, args: ['--no-sandbox'], protocolTimeout: 0 },
  })
  const page = await browser.newPage()
  await page.setViewport({ width: 900, height: 1_540 })
  await page.goto(pathToFileURL(join(folder, 'eval.html')).href)
  const path = fileURLToPath(new URL('../../examples/eval-smollm2.png', import.meta.url))
  await page.screenshot({ path })
  await browser.close()
} finally {
  rmSync(folder, { recursive: true })
}
