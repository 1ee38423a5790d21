import type { Format } from '../../files/index.ts'

export interface ErrorsFlags {
  format?: Format
  json?: boolean
}
