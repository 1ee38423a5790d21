import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { KafkaConnection } from '../../kafka/index.ts'
import { readText } from '../flags/config.ts'
import { given } from '../flags/given.ts'
import { UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'
import { commaList } from './topics.ts'

export interface ConnectionFlags {
  brokers?: string
  clientId?: string
  tls?: boolean
  tlsCa?: string
  tlsCert?: string
  tlsKey?: string
  tlsServerName?: string
  saslMechanism?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  saslUsername?: string
}

/** The connection to the cluster, by the flags and the environment. */
export function connectionOf(
  flags: ConnectionFlags,
  env: Io['env'],
): KafkaConnection & { bootstrapBrokers: string[] } {
  const bootstrapBrokers = brokersOf(flags.brokers, env)
  return {
    bootstrapBrokers,
    ...given({ clientId: clientIdOf(flags.clientId), sasl: saslOf(flags, env) }),
    ...tlsOf(flags, bootstrapBrokers),
  }
}

function brokersOf(flag: string | undefined, env: Io['env']): string[] {
  const text = flag ?? env['KAFKA_BROKERS'] ?? ''
  if (text.trim() === '') throw new UsageError('Expected --brokers (or KAFKA_BROKERS): host:port of a broker')
  const brokers = commaList(text)
  const bad = brokers.find((broker) => !isBroker(broker))
  if (bad === undefined) return brokers
  // The address may hold a password.
  const got = bad.includes('@') ? '' : `, got ${JSON.stringify(bad)}`
  const name = flag === undefined ? 'KAFKA_BROKERS' : '--brokers'
  throw new UsageError(`${name}: expected host:port, or several with commas between them${got}`)
}

const BROKER = /^(?:(?<name>[\w.-]+)|\[(?<ip>[^\]]+)\])(?::(?<port>\d+))?$/

function isBroker(broker: string): boolean {
  const { ip, port = '9092' } = BROKER.exec(broker)?.groups ?? { port: '0' }
  return (ip === undefined || isIP(ip) === 6) && Number(port) >= 1 && Number(port) <= 65_535
}

function clientIdOf(name: string | undefined): string | undefined {
  if (name === undefined || /^\S+$/.test(name)) return name
  throw new UsageError(`--client-id: expected a name without spaces, got ${JSON.stringify(name)}`)
}

/** `tls` turns TLS on. `tlsServerName` is the name that the brokers must prove. */
function tlsOf(
  { tls = false, tlsCa, tlsCert, tlsKey, tlsServerName }: ConnectionFlags,
  brokers: readonly string[],
): Pick<KafkaConnection, 'tls' | 'tlsServerName'> {
  if ([tlsCa, tlsCert, tlsKey, tlsServerName].every((flag) => flag === undefined) && !tls) return {}
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError('Expected --tls-cert and --tls-key together')
  }
  const ca = tlsCa === undefined ? undefined : readText(tlsCa, '--tls-ca')
  // With such a file, Node would trust no authority, and report nothing.
  if (ca?.includes('-----BEGIN ') === false) throw new UsageError(`--tls-ca: ${tlsCa}: there is no PEM in it`)
  if (ca !== undefined) check(`--tls-ca: ${tlsCa}`, { ca })
  const cert = tlsCert === undefined ? undefined : readText(tlsCert, '--tls-cert')
  const key = tlsKey === undefined ? undefined : readText(tlsKey, '--tls-key')
  if (cert !== undefined) check(`--tls-cert: ${tlsCert}`, { cert })
  if (key !== undefined) check(`--tls-key: ${tlsKey}`, given({ cert, key }))
  // A cluster behind one address needs the name of the broker. An IP address is not a name.
  const isNamed = brokers.every((broker) => isIP(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) === 0)
  return { tls: given({ ca, cert, key }), tlsServerName: tlsServerName ?? isNamed }
}

function check(what: string, options: Parameters<typeof createSecureContext>[0]): void {
  try {
    createSecureContext(options)
  } catch (cause) {
    throw new UsageError(`${what} cannot be used: ${(cause as Error).message}`, { cause })
  }
}

function saslOf(
  { saslMechanism: mechanism, saslUsername }: ConnectionFlags,
  env: Io['env'],
): KafkaConnection['sasl'] {
  if (mechanism === undefined) {
    if (saslUsername === undefined) return undefined
    throw new UsageError('Expected --sasl-mechanism with --sasl-username')
  }
  const { KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD: password = '' } = env
  const username = saslUsername ?? KAFKA_SASL_USERNAME ?? ''
  if (username === '')
    throw new UsageError('Expected --sasl-username (or KAFKA_SASL_USERNAME) with --sasl-mechanism')
  if (password === '') throw new UsageError('Expected KAFKA_SASL_PASSWORD to be set, for --sasl-mechanism')
  return { mechanism, username, password }
}
