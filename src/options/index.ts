/**
 * What the command line takes from this room. It is no public entry of the package.
 *
 * @internal
 */
export { defaults } from './defaults.ts'
