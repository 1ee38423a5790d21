import { it } from 'vitest'
import { expectFlatHeap } from './memory-run.ts'

it.each([[[]], [['--preserve-order']]])('a million records leave the heap flat, to the byte %j', (flags) =>
  expectFlatHeap(1_000_000, flags, 1),
)
