import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type {
  ElementEvent,
  NoticeEvent,
  OutcomeEvent,
  RequestEndEvent,
  RequestStartEvent,
  WaitingEvent,
} from '../../index.ts'

interface Events {
  'request:start': RequestStartEvent
  'request:end': RequestEndEvent
  element: ElementEvent
  outcome: OutcomeEvent
  waiting: WaitingEvent
  notice: NoticeEvent
}

/** Hears the events of one stream. Returns a function that ends this. */
export function onEvent<K extends keyof Events>(
  name: K,
  stream: object,
  hear: (event: Events[K]) => void,
): () => void {
  const channel = `llm-pack-stream:${name}`
  const listener = (message: unknown): void => {
    const event = message as Events[K]
    if (event.stream === stream) hear(event)
  }
  subscribe(channel, listener)
  return () => void unsubscribe(channel, listener)
}
