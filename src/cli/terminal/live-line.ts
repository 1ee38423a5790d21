import type { Io } from '../io.ts'

/** Erases from the cursor to the end of the screen. */
const ERASE = '\x1b[J'
/** A text that is too long stays on its row: a terminal tells its new width some time later. */
const WRAP_OFF = '\x1b[?7l'
const WRAP_ON = '\x1b[?7h'

/** Width of the narrowest terminal with room for the line. */
const NARROWEST_COLUMNS = 20

/** Whether standard error is a terminal that can draw one line again and again. */
export function canRedraw({ stderr, env }: Pick<Io, 'stderr' | 'env'>): boolean {
  return stderr.isTTY === true && (stderr.columns ?? 0) >= NARROWEST_COLUMNS && env['TERM'] !== 'dumb'
}

/**
 * The last line of a terminal, which is drawn again and again. The cursor always stands at its
 * beginning: when the terminal becomes narrower and wraps the line, the cursor keeps this place,
 * and the next drawing erases all rows of the line.
 */
export class LiveLine {
  readonly #screen: Io['stderr']
  #drawn = ''

  constructor(screen: Io['stderr']) {
    this.#screen = screen
  }

  /** @param text Its characters have one column each, and leave the last column free. */
  draw(text: string): void {
    if (text === this.#drawn) return
    this.#screen.write(`${WRAP_OFF}${text}${ERASE}${WRAP_ON}\r`)
    this.#drawn = text
  }

  /** Writes a text that stays, above the line. */
  note(text: string): void {
    this.clear()
    this.#screen.write(`${text}\n`)
  }

  clear(): void {
    // A key that was pressed, such as Ctrl-C, may have moved the cursor.
    this.#screen.write(`\r${ERASE}`)
    this.#drawn = ''
  }
}
