import type { Format } from '../../files/index.ts'

export interface ReportFlags {
  output?: string
  format?: Format
}
