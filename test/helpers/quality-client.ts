import { Answerer } from '../../src/simulator/answer/answer.ts'
import { parseRequest } from '../../src/simulator/api/protocol.ts'
import { QualityModel } from '../../src/simulator/quality/model.ts'
import { type Quality, resolveQuality } from '../../src/simulator/quality/options.ts'
import { emptyQuality, type QualityStats } from '../../src/simulator/quality/stats.ts'
import { type ScriptedClient, scriptedClient } from './scripted-client.ts'

/** A client without a network, which answers like the simulator with this quality. */
export function qualityClient(quality: Quality): ScriptedClient & { readonly stats: QualityStats } {
  const stats = emptyQuality()
  const answerer = new Answerer(new QualityModel(resolveQuality(quality), stats))
  const client = scriptedClient(({ body }) => {
    const prompt = JSON.stringify(body)
    const text = answerer.answer(parseRequest('chat', prompt))
    return { text, usage: { input: Math.ceil(prompt.length / 4), output: Math.ceil(text.length / 4) } }
  })
  return Object.assign(client, { stats })
}
