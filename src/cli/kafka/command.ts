import type { Command } from 'commander'
import { withConfig } from '../flags/config.ts'
import type { Perform } from '../io.ts'
import { addGroup, addTaskFlags, flag, numberFlag, sampleTask, textFlags } from '../flags/flags.ts'
import { addTrialFlags } from '../flags/trial-flags.ts'
import { checkFlags } from '../flags/check-flags.ts'
import { sendingFlags } from '../flags/sending-flags.ts'
import { FORMAT } from './flags.ts'
import { defaults } from '../../options/index.ts'

export function addKafka(program: Command, perform: Perform): void {
  const command = program
    .command('kafka')
    .summary('send the records of Kafka topics through a model')
    .description(
      `Works as a member of a Kafka consumer group: sends the messages of topics through a model, many in each request, and produces each message with its result to another topic. Start several workers, and they share the partitions. A worker runs until Ctrl-C or SIGTERM. Then it reads no more messages, finishes the messages that it has read, and commits.

Input: messages whose value is a JSON object, or a text. A message that has no usable text, or is rejected, goes unchanged to the dead-letter topic, with the reason in headers.
Output: a JSON object with the columns of the message and of the result (_index, _error and _more of a message have the same meaning as in run). Its key is topic:partition:offset of the message. After a crash, or when partitions move, a message may have its result twice, with the same key. No message is lost.`,
    )
  addGroup(command, 'Topics:', [
    flag('--topics <name,...>', 'topics to read'),
    flag('--group <id>', 'consumer group, whose workers share the partitions'),
    flag('--output-topic <name>', 'topic for the results'),
    flag('--dead-letter-topic <name>', 'topic for rejected messages'),
    flag('--start-from <place>', 'start of a partition without a commit (default: earliest)').choices([
      ...['earliest', 'latest'],
    ]),
  ])
  addGroup(command, 'Cluster:', [
    flag('--brokers <host:port,...>', 'addresses of some brokers (or KAFKA_BROKERS)'),
    flag('--client-id <name>', 'name of this client in the logs of the cluster (default: llm-pack-stream)'),
    flag('--tls', 'use TLS, and trust the authorities that Node trusts'),
    flag('--tls-ca <file>', 'PEM file of authorities to trust instead'),
    flag('--tls-cert <file>', 'PEM file with a certificate of this client; needs --tls-key'),
    flag('--tls-key <file>', 'PEM file with its key, not encrypted'),
    flag(
      '--tls-server-name <name>',
      'name in the certificates of the brokers (default: the host of each broker)',
    ),
    flag(
      '--sasl-mechanism <name>',
      'log in with the password in KAFKA_SASL_PASSWORD; without TLS, PLAIN sends it in the clear',
    ).choices([...['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']]),
    flag('--sasl-username <name>', 'name to log in with (or KAFKA_SASL_USERNAME)'),
  ])
  addGroup(command, 'Messages:', [
    flag(
      '--format <format>',
      `json (an object) or lines (a text, in the column \`text\`) (default: ${FORMAT})`,
    ).choices([...['json', 'lines']]),
    ...textFlags(),
  ])
  addTaskFlags(command, {
    maxPackRecords: `records in one request (default: ${defaults.maxPackRecords})`,
    rpm: 'the limits in the headers of the server',
    countTokens: 'count tokens exactly with this vocabulary (needs gpt-tokenizer)',
  })
  addGroup(command, 'Checks:', checkFlags())
  addGroup(command, 'Sending:', sendingFlags())
  addGroup(command, 'Sharing:', [
    numberFlag(
      '--max-uncommitted <number>',
      'largest number of records of one partition that a crash repeats: a worker reads no further past a record without an outcome (default: 1000)',
    ),
    numberFlag('--commit-interval <ms>', 'interval between two commits (default: 250)'),
    numberFlag('--max-partition-bytes <number>', 'size of one fetch from a partition (default: 262144)'),
    flag(
      '--assignor <name>',
      'how the workers share partitions, the same for all of them; cooperative-sticky moves the fewest (default: cooperative-sticky)',
    ).choices([...['cooperative-sticky', 'roundrobin']]),
    numberFlag(
      '--session-timeout <ms>',
      'time without a sign of life after which other workers get the partitions (default: 30000)',
    ),
    numberFlag(
      '--revoke-timeout <ms>',
      'time limit for finishing the records of a partition that moves (default: half of --session-timeout)',
    ),
    numberFlag(
      '--stop-timeout <ms>',
      'time limit for finishing the records when the worker stops (default: 25000)',
    ),
  ])
  addGroup(command, 'Reports:', [
    flag('--json', 'print a summary as JSON on standard output'),
    flag('--no-progress', 'show no line with the progress; a log gets a line each minute'),
  ])
  addTrialFlags(command)
  command
    .addHelpText(
      'after',
      `
Example, without a key:
  export KAFKA_BROKERS=localhost:9092
${sampleTask}
  llm-pack-stream kafka --topics tickets --group labelling --output-topic labels \\
    --dead-letter-topic rejected-tickets --field text --labels labels.txt --instructions prompt.md \\
    --model gpt-4o-mini --simulate

Exit codes:
  0 stopped by Ctrl-C or SIGTERM, and every message that was read has an outcome
  2 unusable options
  3 stopped by an error: no cluster, no such topic, a server that never answered, the key, the money
  4 stopped by --max-rejects
  130, 143 stopped by Ctrl-C, SIGTERM, but some messages have no outcome: the next worker reads them again`,
    )
    .action(() =>
      perform(async (io) => {
        const { work } = await import('./action.ts')
        return work(withConfig(command, []), io)
      }),
    )
}
