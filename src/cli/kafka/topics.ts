import { UsageError } from '../flags/usage-error.ts'

export interface TopicFlags {
  topics?: string
  group?: string
  outputTopic?: string
  deadLetterTopic?: string
}

/** The topics and the consumer group. */
export interface Topics {
  readonly topics: readonly string[]
  readonly groupId: string
  readonly outputTopic: string
  readonly deadLetterTopic: string
}

export function topicsOf(flags: TopicFlags): Topics {
  const topics = commaList(needed('--topics', flags.topics, 'the topics to read'))
  const groupId = needed('--group', flags.group, 'the consumer group')
  const outputTopic = needed('--output-topic', flags.outputTopic, 'the topic for the results')
  const deadLetterTopic = needed(
    '--dead-letter-topic',
    flags.deadLetterTopic,
    'the topic for rejected messages',
  )
  for (const topic of topics) checkName('--topics', topic)
  checkName('--output-topic', outputTopic)
  checkName('--dead-letter-topic', deadLetterTopic)
  // The worker would read its own messages without end.
  refuse('--output-topic', outputTopic, topics, '--topics')
  refuse('--dead-letter-topic', deadLetterTopic, topics, '--topics')
  refuse('--dead-letter-topic', deadLetterTopic, [outputTopic], '--output-topic')
  return { topics, groupId, outputTopic, deadLetterTopic }
}

/** `a, b` */
export function commaList(text: string): string[] {
  return text.split(',').map((one) => one.trim())
}

function needed(name: string, value: string | undefined, what: string): string {
  if (value === undefined || value.trim() === '') throw new UsageError(`Expected ${name}: ${what}`)
  return value.trim()
}

/** Kafka's rule for names of topics. */
function checkName(flag: string, topic: string): void {
  if (/^[\w.-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..') return
  const allowed = 'letters, digits, dots, _ and -'
  throw new UsageError(`${flag}: expected the name of a topic, of ${allowed}, got ${JSON.stringify(topic)}`)
}

function refuse(flag: string, topic: string, others: readonly string[], of: string): void {
  if (!others.includes(topic)) return
  throw new UsageError(`${flag}: ${topic} is ${of === '--topics' ? `one of ${of}` : of} too`)
}
