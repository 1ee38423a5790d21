import type { Api, ApiName } from './api.ts'
import { chatApi } from './chat.ts'
import { responsesApi } from './responses.ts'

/** The two APIs by name. */
export const apis: Readonly<Record<ApiName, Api>> = { chat: chatApi, responses: responsesApi }
