import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findIn, proseOfMarkdown, proseOfTypeScript, type Prose } from './helpers/prose.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Columns of the longest comment line. */
const COLUMNS = 100

/** A sentence begins here: at the beginning of a text, or after another sentence. */
const START = /(?:^|[.!?:] )/.source

interface Banned {
  readonly pattern: RegExp
  /** A text that the pattern must find. */
  readonly bad: string
  /** How to say the same in plain English. The pattern must not find this. */
  readonly good: string
}

/** Old or rare words and phrases, with common words that say the same. */
const RARE: Readonly<Record<string, string>> = {
  'all but': 'all except',
  albeit: 'although',
  anew: 'again',
  'but for': 'except',
  'for ever': 'forever',
  hence: 'so',
  'in vain': 'without success',
  lest: 'so that it does not',
  'no doing of': 'not caused by',
  'ought to': 'should',
  'own doing': 'cause',
  thence: 'from there',
  thereby: 'so',
  therein: 'in it',
  thereof: 'of it',
  thereupon: 'then',
  till: 'until',
  upon: 'on',
  whence: 'from where',
  whereby: 'by which',
  wherein: 'in which',
  whereof: 'about which',
}

const BANNED: readonly Banned[] = [
  {
    pattern: /\bso (?:many|much)\b(?! (?:\w+ )?that\b)/i,
    bad: 'Waits so many ms.',
    good: 'Waits for `ms` milliseconds.',
  },
  {
    pattern: /\b(?:at (?:most|least) so|how often it is|as many as may)\b/i,
    bad: 'At most so often is it sent.',
    good: 'The largest number of attempts.',
  },
  {
    pattern: /\bbe (?:it|they|there)\b(?! \w+ed\b)/i,
    bad: 'The first token, be it only of a thought.',
    good: 'The first token, also if it belongs to a thought.',
  },
  {
    pattern: /\b(?:nobody|somebody|everybody|no one else|nobody's)\b/i,
    bad: 'Elements that nobody had asked for.',
    good: 'Elements that the request did not ask for.',
  },
  {
    pattern: /\b(?:is|are|was|were) looked\b(?! up\b)/i,
    bad: 'How often it is looked whether all were taken.',
    good: 'Interval at which the stream checks whether the consumer has taken all outcomes.',
  },
  {
    pattern: /\b(?:whatever (?:it|they|that|this) (?:is|are|was|were)|in whatever way)\b/i,
    bad: 'The result, whatever it is.',
    good: 'The result of any type.',
  },
  {
    pattern: /\bwho(?:so|m)?ever\b/i,
    bad: 'Whoever asks waits.',
    good: 'Each caller waits.',
  },
  {
    pattern: /\b(?:what|which|that|who) (?:is|are|was|were) to (?:be|\w+e?)\b/,
    bad: 'What is to be closed in the end.',
    good: 'The resources that the command must close.',
  },
  {
    pattern: /\b(?:one|ones|those|none|that) (?:that|which|who)\b/i,
    bad: 'One that waits for another is called later.',
    good: 'A request that waits for another request is called later.',
  },
  {
    pattern: new RegExp(`${START}What (?:is|are|was|were|has|have|had)\\b(?![^.]*\\?)`),
    bad: 'What is larger than the whole bucket starts when that is full.',
    good: 'A request that is larger than the bucket starts when the bucket is full.',
  },
  {
    pattern: new RegExp(
      `${START}(?:So|Nor|Never|Such|Kept|Counted|Told|Held) (?:is|are|was|were|do|does|has|have)\\b`,
    ),
    bad: 'Kept is what the model wrote.',
    good: 'The cache keeps the text that the model wrote.',
  },
  {
    pattern: /(?:^|[.,;:] )(?:were|had|should) (?:it|they|the|this|that|a|an) /i,
    bad: 'Had it failed, the rest would be lost.',
    good: 'If it had failed, the rest would be lost.',
  },
  {
    pattern: /(?<!\b(?:all|both|each|none|one|part|some) )\bof (?:which|whom)\b/,
    bad: 'Others, of which that consumer may be one.',
    good: 'The consumer may be among the others.',
  },
  {
    pattern: /\b(?:of|to|for|by|with) none\b|(?<!\bthere )\b(?:is|are|was|were) none\b(?! of\b)/,
    bad: 'A wait so short is none.',
    good: 'The limiter ignores such a short wait.',
  },
  {
    pattern: /\b[Ii]t is for (?:the|a|its|your) \w+ to\b/,
    bad: 'It is for the caller to check.',
    good: 'The caller must check.',
  },
  ...Object.entries(RARE).map(([bad, good]) => ({ pattern: new RegExp(`\\b${bad}\\b`, 'i'), bad, good })),
]

function list(folder: string, extension: string): string[] {
  if (!existsSync(join(ROOT, folder))) return []
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith(extension))
    .sort()
}

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'].filter((name) =>
  existsSync(join(ROOT, name)),
)
const paths = [
  ...list('src', '.ts'),
  ...list('test', '.ts'),
  ...list('examples', '.ts'),
  ...pages,
  ...list('docs', '.md'),
]

/** The findings in one file, as `file:line: text`. */
function findings(path: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const all = path.endsWith('.md') ? proseOfMarkdown(text) : proseOfTypeScript(text)
  // The strings of tests are data, except their titles. A model reads the strings of the prompt.
  const hasData = path.startsWith('test/') || path === 'src/request/prompt.ts'
  const prose = hasData ? all.filter(({ kind }) => kind !== 'string') : all
  const found = prose.flatMap((piece) =>
    BANNED.flatMap(({ pattern, good }) =>
      findIn(piece, pattern).map(({ line, match }) => ({
        line,
        what: `"${match}" is hard to read, say it as in "${good}"`,
      })),
    ),
  )
  const source = text.split('\n')
  for (const line of commentLines(prose)) {
    const { length } = source[line - 1] ?? ''
    if (length > COLUMNS) found.push({ line, what: `a comment ends in column ${length}, not ${COLUMNS}` })
  }
  return found.sort((a, b) => a.line - b.line).map(({ line, what }) => `${path}:${line}: ${what}`)
}

/** Numbers of the lines with a comment. Directives and indented code cannot be wrapped. */
function commentLines(prose: readonly Prose[]): number[] {
  return prose
    .filter(({ kind, lines }) => kind === 'comment' && !/^(?:eslint-|@ts-|prettier-)/.test(lines[0] ?? ''))
    .flatMap(({ lines, firstLine }) =>
      lines.flatMap((line, i) => (/^ {4}/.test(line) ? [] : [firstLine + i])),
    )
}

describe('plain English', () => {
  it.each(paths)('%s', (path) => {
    expect(findings(path)).toEqual([])
  })

  it('knows the files', () => {
    expect(paths.length).toBeGreaterThan(300)
    expect(paths).toEqual(expect.arrayContaining(['src/index.ts', 'test/plain-english.test.ts', 'README.md']))
  })
})

describe('the checker', () => {
  it.each(BANNED)('finds "$bad" and accepts "$good"', ({ bad, good }) => {
    const patterns = BANNED.map(({ pattern }) => pattern)
    const paragraph = (text: string): Prose => ({ kind: 'paragraph', lines: [text], firstLine: 1 })
    expect(patterns.filter((pattern) => findIn(paragraph(bad), pattern).length > 0)).not.toEqual([])
    expect(patterns.filter((pattern) => findIn(paragraph(good), pattern).length > 0)).toEqual([])
  })

  it('reads comments of both kinds, strings, templates and titles, with their lines', () => {
    const text = [
      '/**',
      ' * Waits so',
      ' * many ms.',
      ' */',
      "const a = ['is', 1] // after code",
      '// two lines,',
      '// one text',
      'const b = `head ${a} middle ${a} tail`',
      "it('a title', () => {",
      '  f(a /* inside */)',
      '})',
    ].join('\n')
    const found = proseOfTypeScript(text)
    const at = (line: number) => found.filter(({ firstLine }) => firstLine === line)
    expect(at(1)).toEqual([{ kind: 'comment', lines: ['', 'Waits so', 'many ms.', ''], firstLine: 1 }])
    expect(at(5)[0]).toEqual({
      kind: 'comment',
      lines: ['after code', 'two lines,', 'one text'],
      firstLine: 5,
    })
    expect(at(8).map(({ lines }) => lines[0])).toEqual(['head ', ' middle ', ' tail'])
    expect(at(9)).toEqual([{ kind: 'title', lines: ['a title'], firstLine: 9 }])
    expect(at(10)).toEqual([{ kind: 'comment', lines: ['inside'], firstLine: 10 }])
    expect(findIn(at(1)[0]!, /\bso many\b/)).toEqual([{ line: 2, match: 'so many' }])
  })

  it('reads the paragraphs of a page, with their lines', () => {
    const found = proseOfMarkdown('# Title\n\nOne\nparagraph.\n- an item\n\n| a | row |')
    expect(found.map(({ firstLine, lines }) => [firstLine, ...lines])).toEqual([
      [1, '# Title'],
      [3, 'One', 'paragraph.'],
      [5, '- an item'],
      [7, '| a | row |'],
    ])
  })
})
