/**
 * The exports for the command line. This file is not a public entry of the package.
 *
 * @internal
 */
export { finite, outOfRange } from '../base/option-checks.ts'
export { defaults } from './defaults.ts'
export { sharedFields } from './hoist.ts'
export { COMPLETE_LENGTH, encodingNames } from './exact-tokens.ts'
