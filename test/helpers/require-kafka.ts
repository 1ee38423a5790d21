/** Global setup of the tests that need a broker: nobody overlooks that they have not run. */
import { noMockBroker } from './mock-broker.ts'

/** A real cluster: `host:port`, several with commas in between. */
const { KAFKA_BROKERS = '', REQUIRE_KAFKA = '' } = process.env

export const realBrokers =
  KAFKA_BROKERS.trim() === '' ? undefined : KAFKA_BROKERS.split(',').map((broker) => broker.trim())

/** Why there is no broker; nothing if there is one. */
export const noBroker = realBrokers ? undefined : noMockBroker

const HELP = `
THE KAFKA TESTS DID NOT RUN: ${noBroker}.
To run them with a mock broker:   apt-get install librdkafka1
To run them with a real cluster:  KAFKA_BROKERS=host:port npm test
`

/** Says it last of all, where it can be seen; where the tests are required, nothing else runs. */
export default function (): (() => void) | undefined {
  if (noBroker === undefined) return undefined
  if (!['', '0'].includes(REQUIRE_KAFKA)) throw new Error(HELP)
  return () => process.stderr.write(HELP)
}
