/** Global setup of the tests that need a broker. It makes clear that the tests have not run. */
import { noMockBroker } from './mock-broker.ts'

/** A real cluster: `host:port`, or several addresses with commas in between. */
const { KAFKA_BROKERS = '', REQUIRE_KAFKA = '' } = process.env

export const realBrokers =
  KAFKA_BROKERS.trim() === '' ? undefined : KAFKA_BROKERS.split(',').map((broker) => broker.trim())

/** The reason why there is no broker. `undefined` if there is a broker. */
export const noBroker = realBrokers ? undefined : noMockBroker

const HELP = `
THE KAFKA TESTS DID NOT RUN: ${noBroker}.
To run them with a mock broker:   apt-get install librdkafka1
To run them with a real cluster:  KAFKA_BROKERS=host:port npm test
`

/**
 * Prints the reason at the end, where it is visible. If the tests are required, no other test runs.
 */
export default function (): (() => void) | undefined {
  if (noBroker === undefined) return undefined
  if (!['', '0'].includes(REQUIRE_KAFKA)) throw new Error(HELP)
  return () => process.stderr.write(HELP)
}
