import { describe, expect, it } from 'vitest'
import { once } from 'node:events'
import { PackStream } from 'llm-pack-stream'
import * as z from 'zod'
import { collect, stringStream, texts, patient } from '../helpers/collect.ts'
import { answerOf, echo, scriptedClient } from '../helpers/scripted-client.ts'

describe('an error on this side does not count as a failed request', () => {
  it('a listener that throws ends the stream with its error, and no record is sent again', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client)
    stream.on('data', () => {
      throw new Error('from the listener')
    })
    stream.end('a')
    const [error] = (await once(stream, 'error')) as [Error]
    expect(error.message).toBe('from the listener')
    expect(client.calls).toHaveLength(1)
  })

  it('a listener that throws `undefined` also ends the stream with an error', async () => {
    const stream = stringStream(scriptedClient(echo))
    stream.on('data', () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- as some do
      throw undefined
    })
    stream.end('a')
    expect((await once(stream, 'error'))[0]).toBeInstanceOf(Error)
  })

  it('an issue at a symbol makes only that result invalid', async () => {
    const schema = z.string().superRefine((_text, context) => {
      context.addIssue({ code: 'custom', message: 'odd', path: [Symbol('odd')] })
    })
    const stream = new PackStream({
      ...patient,
      client: scriptedClient(echo),
      model: 'm',
      instructions: '',
      schema,
      maxAttempts: 1,
    })
    expect(await collect(stream, ['a'])).toMatchObject([{ reason: { code: 'invalid_result' } }])
  })

  it('an asynchronous schema ends the stream with an error that names it', async () => {
    const client = scriptedClient(echo)
    const schema = z.string().refine((text) => Promise.resolve(text !== ''))
    const stream = new PackStream({ ...patient, client, model: 'm', instructions: '', schema })
    await expect(collect(stream, texts(5))).rejects.toThrow(/`schema` to check results at once/)
    expect(client.calls).toHaveLength(1)
  })

  it('a refinement that throws makes only that result invalid', async () => {
    const client = scriptedClient((call) => ({ text: answerOf(call, ({ text }) => text) }))
    const schema = z.string().transform((text) => {
      if (text === 'text 2') throw new RangeError('mine')
      return text
    })
    const stream = new PackStream({
      ...patient,
      client,
      model: 'm',
      instructions: '',
      schema,
      maxAttempts: 2,
    })
    const outcomes = await collect(stream, texts(4))
    expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([
      {
        index: 2,
        attempts: 2,
        reason: { code: 'invalid_result', issues: [{ message: 'The schema threw RangeError' }] },
      },
    ])
  })
})
