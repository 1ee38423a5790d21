import { it } from 'vitest'
import { expectFlatHeap } from './memory-run.ts'

// A record and its outcome have more than a hundred bytes.
it.concurrent.each([[[]], [['--preserve-order']]])('100,000 records leave the heap flat %j', (flags) =>
  expectFlatHeap(100_000, flags, 10),
)
