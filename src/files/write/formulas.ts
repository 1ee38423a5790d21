/** Signs that begin a formula in a spreadsheet, by OWASP. The last four are wide forms. */
const SIGNS = '=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20'
const FORMULA = new RegExp(`^[${SIGNS}]`)
const ESCAPABLE = new RegExp(`^'*[${SIGNS}]`)
const ESCAPED = new RegExp(`^'+[${SIGNS}]`)
/** Digits with points, commas and an exponent can't be an expression. */
const NUMBER = /^[+-]?[.,]?\d[\d.,]*(?:e[+-]?\d+)?%?$/i

/** Whether a spreadsheet would take a cell for a formula. A number such as `-5` is no formula. */
export function isFormula(cell: string): boolean {
  return FORMULA.test(cell) && !NUMBER.test(cell)
}

/** Puts a `'` before a formula, so that a spreadsheet takes it for a text. */
export function escapeFormula(cell: string): string {
  // Also before a cell that has the sign already: otherwise `unescapeFormula` would take it away.
  return ESCAPABLE.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell
}

/** Takes away what `escapeFormula` put before a cell. */
export function unescapeFormula(cell: string): string {
  return ESCAPED.test(cell) ? cell.slice(1) : cell
}
