export { evaluate } from './evaluate.ts'
export { armsOf } from './arms.ts'
export { answersIn, JournalError } from './journal.ts'
export { MARGIN, SEED, SIZES } from './options.ts'
export type { EvalOptions, EvalProgress } from './options.ts'
export type { ExtraArm } from './arms.ts'
export type {
  ArmReport,
  Estimate,
  EvalReport,
  Influence,
  Loss,
  Recommendation,
  Runs,
  Stretch,
  Verdict,
} from './report.ts'
export type { Arm, ArmKind } from './trial.ts'
export type { Interval } from '../statistics/index.ts'
