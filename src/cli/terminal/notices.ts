import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { NoticeEvent } from '../../index.ts'

const CHANNEL = 'llm-pack-stream:notice'

/** Passes on what a stream finds out about its server. Returns a function that ends this. */
export function onNotice(stream: object, say: (text: string) => void): () => void {
  const listener = (message: unknown): void => {
    const event = message as NoticeEvent
    if (event.stream === stream) say(event.message)
  }
  subscribe(CHANNEL, listener)
  return () => void unsubscribe(CHANNEL, listener)
}
