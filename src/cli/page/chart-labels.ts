/** Longest label of a chart, in letters. */
const LONGEST_LABEL = 26

const segmenter = new Intl.Segmenter('en')
const isWide =
  /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]|\p{Emoji_Presentation}/u

/** The width of a text, in letters of Latin. A character of Chinese is twice as wide. */
export function lettersOf(text: string): number {
  const widths = Array.from(segmenter.segment(text), ({ segment }) => (isWide.test(segment) ? 1.8 : 1))
  return widths.reduce((all, width) => all + width, 0)
}

/** The beginning of a label that has room beside a chart. */
export function clip(label: string): string {
  let clipped = ''
  let length = 0
  for (const { segment } of segmenter.segment(label.slice(0, 200).replace(/\s+/g, ' '))) {
    length += lettersOf(segment)
    if (length > LONGEST_LABEL) return `${clipped}…`
    clipped += segment
  }
  return clipped
}

/** Keeps a text that is written from right to left from moving what stands beside it. */
export function isolated(label: string): string {
  return `\u2068${label}\u2069`
}
