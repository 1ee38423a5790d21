import ts from 'typescript'

/** A comment, a string or a paragraph: text that a person reads. */
export interface Prose {
  readonly kind: 'comment' | 'string' | 'title' | 'paragraph'
  /** The lines of the text without comment marks. */
  readonly lines: readonly string[]
  /** Number of the first line in the file, from 1. */
  readonly firstLine: number
}

/** The comments and strings of a TypeScript file. A `title` is a string that names a test. */
export function proseOfTypeScript(text: string): Prose[] {
  const source = ts.createSourceFile('prose.ts', text, ts.ScriptTarget.Latest, true)
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line
  const comments = new Map<number, ts.CommentRange>()
  const strings: Prose[] = []
  const visit = (node: ts.Node): void => {
    // Children include the tokens, so no comment is missed.
    const leading = ts.getLeadingCommentRanges(text, node.pos) ?? []
    const trailing = ts.getTrailingCommentRanges(text, node.end) ?? []
    for (const range of [...leading, ...trailing]) comments.set(range.pos, range)
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      const kind = isTitle(node.kind === ts.SyntaxKind.TemplateHead ? node.parent : node) ? 'title' : 'string'
      strings.push({ kind, lines: node.text.split('\n'), firstLine: lineAt(node.getStart(source)) + 1 })
    }
    for (const child of node.getChildren(source)) visit(child)
  }
  visit(source)

  const pieces: { kind: 'comment'; lines: string[]; firstLine: number }[] = []
  let last: (typeof pieces)[number] | undefined
  for (const { pos, end, kind } of [...comments.values()].sort((a, b) => a.pos - b.pos)) {
    const lines = text.slice(pos, end).split('\n').map(withoutMarks)
    const firstLine = lineAt(pos) + 1
    const isLineComment = kind === ts.SyntaxKind.SingleLineCommentTrivia
    // Line comments below each other are one text.
    if (last && isLineComment && last.firstLine + last.lines.length === firstLine) last.lines.push(...lines)
    else pieces.push({ kind: 'comment', lines, firstLine })
    last = isLineComment ? pieces.at(-1) : undefined
  }
  return [...pieces, ...strings]
}

/** The paragraphs of a Markdown file. Headings, table rows and list items are paragraphs. */
export function proseOfMarkdown(text: string): Prose[] {
  const paragraphs: { kind: 'paragraph'; lines: string[]; firstLine: number }[] = []
  let isOpen = false
  for (const [i, line] of text.split('\n').entries()) {
    const startsAnother = /^\s*(?:[-*|#>]|\d+\.\s|```)/.test(line)
    if (isOpen && !startsAnother && line.trim() !== '') paragraphs.at(-1)?.lines.push(line)
    else if (line.trim() !== '') paragraphs.push({ kind: 'paragraph', lines: [line], firstLine: i + 1 })
    isOpen = line.trim() !== ''
  }
  return paragraphs
}

/** Where a pattern matches, with the match. A match may run over the end of a line. */
export function findIn({ lines, firstLine }: Prose, pattern: RegExp): { line: number; match: string }[] {
  const trimmed = lines.map((line) => line.trim())
  return [...trimmed.join(' ').matchAll(new RegExp(pattern, `${pattern.flags}g`))].map(
    ({ index, 0: match }) => {
      let line = 0
      let end = trimmed[0]?.length ?? 0
      while (end < index) end += 1 + (trimmed[++line]?.length ?? Infinity)
      return { line: firstLine + line, match: match.trim() }
    },
  )
}

function withoutMarks(line: string): string {
  return line.trim().replace(/^(?:\/\/|\/\*\*?|\*(?!\/))\s?|\s*\*\/$/g, '')
}

/** Whether this is the first argument of `it(…)`, `describe(…)` and the like. */
function isTitle({ parent }: ts.Node): boolean {
  return ts.isCallExpression(parent) && /^(?:it|test|describe)\b/.test(parent.expression.getText())
}
