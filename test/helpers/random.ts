/** Returns numbers from 0 to 1. The same seed gives the same numbers. */
export { seededRandom as random } from '../../src/base/random.ts'
