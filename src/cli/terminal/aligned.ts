/** Columns of a text that also fits into a mail or a log. */
const WIDTH = 80

/** A line of a summary: a label, and a text or several texts below each other. */
export type Line = readonly [label: string, texts: string | readonly string[]]

/** Lines with their labels in one column. Leaves out lines without a text. */
export function aligned(lines: readonly Line[], width = WIDTH): string {
  const indent = Math.max(...lines.map(([label]) => label.length)) + 2
  return lines
    .flatMap(([label, texts]) => {
      const rows = [texts].flat().flatMap((text) => wrap(text, width - indent))
      return rows.map((row, i) => ((i === 0 ? label : '').padEnd(indent) + row).trimEnd())
    })
    .join('\n')
}

/** The spaces of a text, except between a number and its unit. */
const SPACES = /(?<!\d) | (?!(?:ms|s|min|h|days)\b)/

/** Cuts a text into rows, at spaces and at its own line ends. A longer word keeps its length. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((part) => {
    const rows: string[] = []
    for (const word of part.split(SPACES)) {
      const last = rows.at(-1)
      if (last === undefined || last.length + 1 + word.length > width) rows.push(word)
      else rows[rows.length - 1] = `${last} ${word}`
    }
    return rows
  })
}
