import type { Command } from 'commander'
import { withConfig } from '../flags/config.ts'
import type { Perform } from '../io.ts'
import {
  addGroup,
  addTaskFlags,
  addTrialFlags,
  flag,
  numberFlag,
  sampleTask,
  sendingFlags,
  textFlags,
} from '../flags/flags.ts'
import { defaults } from '../../options/index.ts'

export function addKafka(program: Command, perform: Perform): void {
  const command = program
    .command('kafka')
    .summary('send the records of Kafka topics through a model')
    .description(
      `Works as a member of a Kafka consumer group: sends the messages of topics through a model, many in each request, and produces each with its result to another topic. Start as many as are needed: they share the partitions. It goes on until it is stopped by Ctrl-C or SIGTERM: then it reads no more, finishes what it has read, and commits.

Input: messages whose value is a JSON object, or a text. One that cannot be asked, or is rejected, goes to the dead-letter topic as it came, with the reason in headers.
Output: a JSON object of the message's own columns and the result's (its own _index, _error and _more are treated as in run). Its key is topic:partition:offset of the message: after a crash, or as partitions move, a message may have its result twice, both with the same key; never none.`,
    )
  addGroup(command, 'Topics:', [
    flag('--topics <name,...>', 'the topics to read'),
    flag('--group <id>', 'the consumer group: its workers share the partitions'),
    flag('--output-topic <name>', 'where results go'),
    flag('--dead-letter-topic <name>', 'where rejected messages go'),
    flag('--start-from <place>', 'where nothing has been committed (default: earliest)').choices([
      ...['earliest', 'latest'],
    ]),
  ])
  addGroup(command, 'Cluster:', [
    flag('--brokers <host:port,...>', 'some of its brokers (or KAFKA_BROKERS)'),
    flag('--client-id <name>', 'the name of this client in its logs (default: llm-pack-stream)'),
    flag('--tls', 'connect by TLS, and trust the authorities that Node trusts'),
    flag('--tls-ca <file>', 'trust these authorities instead: PEM'),
    flag('--tls-cert <file>', 'a certificate for this client: PEM, with --tls-key'),
    flag('--tls-key <file>', 'its key: PEM, not encrypted'),
    flag(
      '--tls-server-name <name>',
      'the name that certificates of brokers have (default: of each its host)',
    ),
    flag(
      '--sasl-mechanism <name>',
      'log in, with the password in KAFKA_SASL_PASSWORD; PLAIN shows it to whoever listens, but for TLS',
    ).choices([...['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']]),
    flag('--sasl-username <name>', 'as whom (or KAFKA_SASL_USERNAME)'),
  ])
  addGroup(command, 'Messages:', [
    flag('--format <format>', 'json: an object; lines: a text, in the column `text` (default: json)').choices(
      [...['json', 'lines']],
    ),
    ...textFlags(),
  ])
  addTaskFlags(command, {
    maxPackRecords: `records in one request (default: ${defaults.maxPackRecords})`,
    rpm: "what the server's headers say",
    countTokens: 'count tokens exactly, by this vocabulary (needs gpt-tokenizer)',
  })
  addGroup(command, 'How it is sent:', sendingFlags())
  addGroup(command, 'How it is shared:', [
    numberFlag(
      '--max-uncommitted <number>',
      'records of one partition that are read ahead of the oldest without an outcome: at most so many does a crash repeat (default: 1000)',
    ),
    numberFlag('--commit-interval <ms>', 'how often is committed what is finished (default: 250)'),
    numberFlag('--max-partition-bytes <number>', 'of one partition fetched at a time (default: 262144)'),
    flag(
      '--assignor <name>',
      'how partitions are shared, the same for all workers: as few as possible move with cooperative-sticky, the default',
    ).choices([...['cooperative-sticky', 'roundrobin']]),
    numberFlag(
      '--session-timeout <ms>',
      'after so long without a sign of life others get the partitions (default: 30000)',
    ),
    numberFlag(
      '--revoke-timeout <ms>',
      'how long a partition that is to move may take to finish what was read (default: half of --session-timeout)',
    ),
    numberFlag('--stop-timeout <ms>', 'how long a worker that is stopped may take likewise (default: 25000)'),
  ])
  addGroup(command, 'Telling:', [
    flag('--json', 'a summary for machines on standard output'),
    flag('--no-progress', 'no line that tells how far it is, of which a log gets one a minute'),
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
  0 stopped by Ctrl-C or SIGTERM, and all that was read is finished, be it rejected
  2 the options cannot be used
  3 it had to stop: no cluster, no such topic, a server that has never answered, the key, the money
  130, 143 stopped by Ctrl-C, SIGTERM, but not all was finished: it is read again`,
    )
    .action(() =>
      perform(async (io) => {
        const { work } = await import('./action.ts')
        return work(withConfig(command, []), io)
      }),
    )
}
