import { testOnLowestNode } from './lowest-node.ts'

// The other rooms whose tests start no process from TypeScript, which that Node.js cannot read.
testOnLowestNode(['stream', 'simulator', 'kafka', 'promises'])
