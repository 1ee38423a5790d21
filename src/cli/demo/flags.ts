export interface DemoFlags {
  model?: string
  simulate?: boolean
  yes?: boolean
}
