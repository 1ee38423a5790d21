/**
 * The simulator in its own process. Its options come as JSON, with `{ regexp }` for regular
 * expressions and Infinity as a string.
 */
import { startSimulator, type SimulatorOptions } from 'llm-pack-stream/simulator'

const options = JSON.parse(process.argv[2] ?? '{}', (_key, value: unknown) => {
  if (value === 'Infinity') return Infinity
  const { regexp } = (value ?? {}) as { regexp?: string }
  return regexp === undefined ? value : new RegExp(regexp)
}) as SimulatorOptions

const simulator = await startSimulator(options)
process.on('message', () => process.send?.(simulator.stats))
process.on('disconnect', () => {
  process.exit()
})
process.send?.(simulator.baseURL)
