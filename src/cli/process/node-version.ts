/** The message for a Node that is too old, so that no later failure hides the reason. */
export function tooOldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 12)) return undefined
  return `llm-pack-stream needs Node 22.12 or newer, and this is ${version}`
}
