/**
 * The rules that `plan` shares with a stream, so that each rule has one owner. This file is not a
 * public entry of the package.
 *
 * @internal
 */
export { costOf } from '../accounts/ledger.ts'
export { offlineClient } from '../api/client.ts'
export { identityOf, partitionWith } from '../cache/identity.ts'
export { capFor, EXPECTED_FILL, largestCap, recordsUnder } from '../learning/output-budget.ts'
export { TokenEstimator } from '../learning/token-estimator.ts'
export { BURST_MS, burstOf } from '../limits/rate-buckets.ts'
export { chargeOf } from '../limits/request-charge.ts'
export { Mix } from '../packing/mix.ts'
export { halve, Packer } from '../packing/packer.ts'
export { PartitionedPacker } from '../packing/partitioned-packer.ts'
export { windowOf } from '../packing/window.ts'
export type { SharedField } from '../record/entry.ts'
export { idAt } from '../request/ids.ts'
export {
  frame,
  sharedBlock,
  systemMessage,
  unusedTag,
  type ShownExample,
  userMessage,
} from '../request/prompt.ts'
export { resultFormat } from '../request/result-format.ts'
export { isUserSchema, type UserSchema } from '../request/user-schema.ts'
