import fc from 'fast-check'
import { parseHTML } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { html, Html } from '../../../src/cli/page/html.ts'

const clean = (text: string) => text.toWellFormed().replace(/[^\P{Cc}\n\r\t]/gu, '\ufffd')
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('<', '>', '"', "'", '&', '&lt;', '`', '/', '=', '-->', ']]>', '\0', '\ud800'),
  }),
)

describe('html', () => {
  it('shows any text between tags and in an attribute as it is, and makes no tag of it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { document } = parseHTML(html`<main title="${text}">${text}</main>`.text) as unknown as {
          readonly document: { readonly querySelectorAll: (selector: string) => readonly Tag[] }
        }
        const all = [...document.querySelectorAll('*')]
        expect(all.map(({ localName }) => localName)).toEqual(['main'])
        expect(all[0]?.textContent).toBe(clean(text))
        expect(all[0]?.getAttribute('title')).toBe(clean(text))
      }),
    )
  })

  it('takes lists, numbers, nothing, and HTML', () => {
    expect(html`<b>${[1, ' ', ['<'], undefined, new Html('<br>')]}</b>`.text).toBe('<b>1 &lt;<br></b>')
  })
})

interface Tag {
  readonly localName: string
  readonly textContent: string
  readonly getAttribute: (name: string) => string | null
}
