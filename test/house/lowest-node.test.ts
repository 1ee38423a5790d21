import { testOnLowestNode } from './lowest-node.ts'

// What decides, and knows no stream, file or process.
testOnLowestNode([
  ...['base', 'packing', 'request', 'limits', 'answer', 'learning', 'accounts', 'engine', 'options'],
])
