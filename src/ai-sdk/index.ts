export { fromAiSdk } from './from-ai-sdk.ts'
export type { AiSdkModel } from './model.ts'
