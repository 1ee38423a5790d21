/** The rules of an audit, from the option `audit`. */
export interface AuditRules<T> {
  /** Share of the records that are asked alone too, from 0 to 1. */
  readonly share: number
  /** Share of answers that packing may change beyond the model's own noise. */
  readonly margin: number
  /** Whether packs become smaller when packing changes more answers than that. */
  readonly guard: boolean
  /** Decides which records are drawn. */
  readonly seed: number
  /** Whether two values are the same answer. */
  readonly same: (one: T, other: T) => boolean
}
