/**
 * The exports for the command line. This file is not a public entry of the package.
 *
 * @internal
 */
export { defaults } from './defaults.ts'
