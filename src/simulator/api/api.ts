/** The APIs of OpenAI that the simulator speaks. */
export type Api = 'chat' | 'responses'

/** Where each of them is. */
export const paths: ReadonlyMap<string | undefined, Api> = new Map([
  ['/v1/chat/completions', 'chat'],
  ['/v1/responses', 'responses'],
])
