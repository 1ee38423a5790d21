import { parseHTML } from 'linkedom'
import { expect } from 'vitest'

/** The part of a parsed page that is used here. */
export interface Tag {
  readonly localName: string
  readonly textContent: string
  readonly id: string
  readonly getAttributeNames: () => string[]
  readonly getAttribute: (name: string) => string | null
  readonly querySelector: (selector: string) => Tag | null
  readonly querySelectorAll: (selector: string) => Iterable<Tag>
}

const parse = (page: string) => (parseHTML(page) as unknown as { readonly document: Tag }).document
export const all = (tag: Tag, selector: string) => [...tag.querySelectorAll(selector)]

/** Checks what holds for each page. Returns the page. */
export async function check(page: Promise<string>): Promise<Tag> {
  const document = parse(await page)
  expect(all(document, 'script, img, iframe, object, embed, link, form, base, foreignObject')).toEqual([])
  const attributes = all(document, '*').flatMap((tag) =>
    tag.getAttributeNames().map((name) => [name, tag.getAttribute(name) ?? ''] as const),
  )
  const isBad = ([name, value]: readonly [string, string]) =>
    /^on|^src|^xlink/.test(name) ||
    (name === 'href' && !/^#[a-z]/.test(value)) ||
    (name === 'style' && value.includes('url')) ||
    (!name.startsWith('aria') && /NaN|Infinity/.test(value))
  expect(attributes.filter(isBad)).toEqual([])
  const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')
  expect(policy?.getAttribute('content')).toMatch(
    /^default-src 'none'; style-src 'unsafe-inline'; img-src data:;/,
  )

  const ids = all(document, '[id]').map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const name of ['aria-labelledby', 'aria-describedby', 'href']) {
    for (const tag of all(document, `[${name}]`))
      expect(ids).toContain(tag.getAttribute(name)?.replace('#', ''))
  }
  for (const figure of all(document, 'figure')) {
    expect(figure.querySelector('h3')?.textContent).toBeTruthy()
    const chart = figure.querySelector('svg[role="img"]')
    expect(chart?.getAttribute('aria-label')).toBe(figure.querySelector('h3')?.textContent)
    expect(figure.querySelector('details table caption')).not.toBeNull()
    expect(chart?.textContent).not.toMatch(/NaN|undefined|Infinity/)
  }
  for (const table of all(document, 'table')) {
    expect(table.querySelector('caption')?.textContent).toBeTruthy()
    for (const head of all(table, 'thead th')) expect(head.getAttribute('scope')).toBe('col')
    for (const row of all(table, 'tbody tr'))
      expect(row.querySelector('th')?.getAttribute('scope')).toBe('row')
  }
  const levels = all(document, 'h1, h2, h3').map(({ localName }) => Number(localName[1]))
  expect(levels.filter((level) => level === 1)).toHaveLength(1)
  expect(levels.filter((level, i) => level - (levels[i - 1] ?? 0) > 1)).toEqual([])
  for (const landmark of ['header', 'nav[aria-label]', 'main', 'footer']) {
    expect(all(document, landmark)).toHaveLength(1)
  }
  expect(document.querySelector('body')?.textContent).not.toMatch(/undefined|NaN|\[object/)
  return document
}
