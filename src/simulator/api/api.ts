/** The APIs of OpenAI that the simulator speaks. */
export type Api = 'chat' | 'responses'

/** The path of each API. */
export const paths: ReadonlyMap<string | undefined, Api> = new Map([
  ['/v1/chat/completions', 'chat'],
  ['/v1/responses', 'responses'],
])
