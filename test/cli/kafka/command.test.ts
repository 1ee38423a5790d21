import { createServer, type TLSSocket } from 'node:tls'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { jsonl, Workplace } from '../../helpers/cli.ts'
import { withoutPackage } from '../../helpers/without-package.ts'

/** No server listens at this address. */
const NOWHERE = '127.0.0.1:9'

const group = ['--topics', 'tickets', '--group', 'g']
const outputs = ['--output-topic', 'labels', '--dead-letter-topic', 'rejected']
const task = ['--labels', 'labels.txt', '--prompt', 'x', '--model', 'm', '--simulate']
const job = ['kafka', '--brokers', NOWHERE, ...group, ...outputs, ...task]
const sasl = ['--sasl-mechanism', 'PLAIN', '--sasl-username', 'me']

/** A key and a self-signed certificate of broker.test, valid from 2020 to 2125. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQmeW+BdeP1UKNFoV
1ht/kNtd6hCHq9LZFJeXf01AI62hRANCAATKhJwqhM7DtxvuEwurz4pDD8p13Az5
WuOdXFxZRe53pj8NVn4jf7lfafUTBqphJuN3EYFcGYYTOyBtUIupXBxX
-----END PRIVATE KEY-----
`
const CERT = `-----BEGIN CERTIFICATE-----
MIIBZzCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAticm9rZXIu
dGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTI1MDEwMTAwMDAwMFowFjEUMBIGA1UE
AwwLYnJva2VyLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATKhJwqhM7D
txvuEwurz4pDD8p13Az5WuOdXFxZRe53pj8NVn4jf7lfafUTBqphJuN3EYFcGYYT
OyBtUIupXBxXo0owSDAWBgNVHREEDzANggticm9rZXIudGVzdDAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBQ9KGGrBZuq6/eYIrfg2CXaS7H82DAKBggqhkjOPQQD
AgNIADBFAiEAkrnm9kmFVTCcuThUvGcq0ulmoI0RMpzEle6lLu1Sd4QCIFKYqu+Q
A1reh2GS5vVdUg7lcyp15DQh/pG6N50IGg4z
-----END CERTIFICATE-----
`

const files = {
  ...{ 'key.pem': KEY, 'cert.pem': CERT },
  'typed.json': '{"clientId":["a"]}',
  'range.json': '{"sessionTimeout":"many"}',
}

describe('a usage error names the flag, the expected value and the given value', () => {
  // kafka.test.ts tests the other values of the cluster flags and topic flags.
  test.concurrent.each<[string, string[], string]>([
    ['no brokers', ['kafka', ...group, ...outputs, ...task], 'Expected --brokers (or KAFKA_BROKERS)'],
    ['no topics', ['kafka', '--group', 'g', ...outputs, ...task], 'Expected --topics'],
    ['no labels', [...job.slice(0, -7), ...task.slice(2)], 'Expected --labels or --schema'],
    ['no key', job.slice(0, -1), 'Expected OPENAI_API_KEY to be set'],
    ['a file', [...job, 'in.jsonl'], 'too many arguments'],
    ['a format of files', [...job, '--format', 'csv'], '--format'],
    ['no audit', [...job, '--audit-guard'], 'Expected --audit with --audit-guard'],
    ['a share', [...job, '--audit', '2'], 'Expected --audit to be a share from 0 to 1, got 2'],
    ['a choice', [...job, '--assignor', 'range'], '--assignor'],
    ['another mechanism', [...job, '--sasl-mechanism', 'GSSAPI'], '--sasl-mechanism'],
    ['a number', [...job, '--commit-interval', 'soon'], '--commit-interval: expected a number, got "soon"'],
    [
      'a range',
      [...job, '--max-uncommitted', '0'],
      'Expected --max-uncommitted to be a positive integer, got 0',
    ],
    [
      'a time that is longer than another',
      [...job, '--session-timeout', '6000', '--revoke-timeout', '6000'],
      'Expected --revoke-timeout to be between 0 and 4000 ms, got 6000',
    ],
    ['a time to stop', [...job, '--stop-timeout=-1'], 'Expected --stop-timeout to be between 0 and'],
    ['no such CA', [...job, '--tls-ca', 'no.pem'], '--tls-ca: no.pem: there is no such file'],
    ['no password', [...job, ...sasl], 'Expected KAFKA_SASL_PASSWORD to be set'],
    ['a password in the arguments', [...job, '--sasl-password', 'x'], "unknown option '--sasl-password'"],
    [
      'a list in a config',
      [...job, '--config', 'typed.json'],
      'typed.json: "clientId": expected a value for',
    ],
    [
      'a number in a config',
      [...job, '--config', 'range.json'],
      'range.json: --session-timeout: expected a number',
    ],
  ])('%s', async (_, args, message) => {
    using place = new Workplace(files)
    const { code, stdout, stderr } = await place.run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
  })

  test('of the environment names the variable, and leaves out a possible password', async () => {
    using place = new Workplace()
    const args = ['kafka', ...group, ...outputs, ...task]
    const { code, stderr } = await place.run(args, { env: { KAFKA_BROKERS: 'me:secret@host:9092' } })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'KAFKA_BROKERS: expected host:port, or several with commas between them\n',
    })
  })
})

test('without @platformatic/kafka the message names the package to install', async () => {
  using place = new Workplace()
  const nodeArgs = withoutPackage('@platformatic/kafka')
  expect(await place.run(job, { nodeArgs })).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: 'llm-pack-stream kafka needs the package @platformatic/kafka: npm install @platformatic/kafka\n',
  })
  // The help does not need the package.
  expect((await place.run(['kafka', '--help'], { nodeArgs })).code).toBe(0)
})

describe('an unreachable cluster ends the command', () => {
  test.concurrent('with a message that has the address and no password', async () => {
    using place = new Workplace({ '.env': 'KAFKA_SASL_PASSWORD=secret' })
    const { code, stdout, stderr } = await place.run([...job, ...sasl, '--json'])
    const { error } = JSON.parse(stdout) as { error: string }
    expect({ code, stderr }).toEqual({ code: 3, stderr: `${error}\nThe brokers are ${NOWHERE}.\n` })
    expect(error).toContain(`connect ECONNREFUSED ${NOWHERE}`)
    expect(stdout + stderr).not.toContain('secret')
  })

  const pki = ['--tls-ca', 'cert.pem', '--tls-cert', 'cert.pem', '--tls-key', 'key.pem']
  test.concurrent.each<[string, string[], string | undefined, string]>([
    ['which breaks off', [...pki, '--tls-server-name', 'broker.test'], 'broker.test', 'Connection closed'],
    ['of another name', pki, undefined, "localhost. is not in the cert's altnames"],
    ['that nobody vouches for', ['--tls'], undefined, 'self-signed certificate'],
  ])('by TLS: one %s', async (_, flags, greeted, message) => {
    using place = new Workplace(files)
    const server = createServer({
      key: KEY,
      cert: CERT,
      ca: CERT,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const names = new Set<string | false | null>()
    server.on('secureConnection', (socket: TLSSocket) => {
      names.add(socket.authorized && socket.servername)
      socket.on('error', () => undefined).destroy()
    })
    await once(server.listen(0), 'listening')
    const brokers = `localhost:${(server.address() as AddressInfo).port}`
    const { code, stderr } = await place.run([...job, '--brokers', brokers, ...flags])
    server.close()
    expect({ code, names: [...names] }).toEqual({ code: 3, names: greeted === undefined ? [] : [greeted] })
    expect(stderr).toContain(message)
    expect(stderr).toContain(`The brokers are ${brokers}.`)
  })
})

test('a config may hold flags of all commands, and examples are rows or texts', async () => {
  using place = new Workplace({
    'job.json': JSON.stringify({
      ...{
        brokers: NOWHERE,
        topics: 'tickets',
        group: 'g',
        outputTopic: 'labels',
        deadLetterTopic: 'rejected',
      },
      ...{ labels: 'labels.txt', prompt: 'x', model: 'm', simulate: true, examples: 'examples.jsonl' },
      ...{ field: 'text', files: ['in.jsonl'], output: 'out.jsonl', limit: 3 },
    }),
    'examples.jsonl': jsonl([
      { record: 'where is it', value: { label: 'shipping' } },
      { record: { text: 'take it back' }, value: { label: 'returns' } },
    ]),
  })
  const { code, stderr } = await place.run(['kafka', '--config', 'job.json'])
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('ECONNREFUSED') as string })
  place.write({ 'examples.jsonl': jsonl([{ record: { body: 'x' }, value: { label: 'returns' } }]) })
  const bad = await place.run(['kafka', '--config', 'job.json'])
  expect(bad).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no column "text"') as string,
  })
})
