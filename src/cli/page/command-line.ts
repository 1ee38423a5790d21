/** Names of secret values. */
const SECRET_NAME = /key|token(?!s)|secret|password|passwd|auth(?!or(?!i))|credential|cookie|signature|^sig$/i
/** What providers' keys look like. */
const SECRET_TEXT = /\b(?:sk|pk|rk|gsk|xai|hf|r8|pplx|nvapi|AIza|AKIA|ghp|Bearer\s)[-_]?[\w.-]{16,}/g
/** Shortest value of a variable that counts as a secret. A shorter one is part of other words. */
const SHORTEST_SECRET = 6
const HIDDEN = '***'
/** Flags whose values are texts of the task. */
const TEXT_FLAG = /^--(?:prompt|request)(?==|$)/

/** The command as a person pastes it into a shell, without secrets. */
export function commandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string {
  const secrets = Object.entries(env).flatMap(([name, value = '']) =>
    SECRET_NAME.test(name) && value.trim().length >= SHORTEST_SECRET ? [value.trim()] : [],
  )
  return ['llm-pack-stream', ...argv.map((argument) => quoted(withoutSecrets(argument, secrets)))].join(' ')
}

/** The arguments without the texts of the task, which a page may show and no other file keeps. */
export function withoutTexts(argv: readonly string[]): string[] {
  return argv.map((argument, at) => {
    const [flag] = TEXT_FLAG.exec(argument) ?? []
    if (flag !== undefined && flag !== argument) return `${flag}=${HIDDEN}`
    return at > 0 && TEXT_FLAG.exec(argv[at - 1] ?? '')?.[0] === argv[at - 1] ? HIDDEN : argument
  })
}

function withoutSecrets(argument: string, secrets: readonly string[]): string {
  return jsonWithoutSecrets(argument, secrets) ?? textWithoutSecrets(argument, secrets)
}

/** Hides the value of each secret name, also a list or an object. `undefined`: there is none. */
function jsonWithoutSecrets(text: string, secrets: readonly string[]): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  const changed = new Set<string>()
  const hide = (name: string, value: unknown): unknown => {
    const inner = typeof value === 'string' ? withoutSecrets(value, secrets) : value
    const shown = SECRET_NAME.test(name) ? HIDDEN : inner
    if (shown !== value) changed.add(name)
    return shown
  }
  try {
    const json = JSON.stringify(JSON.parse(text, hide))
    return changed.size === 0 ? undefined : textWithoutSecrets(json, secrets)
  } catch {
    return undefined
  }
}

function textWithoutSecrets(argument: string, secrets: readonly string[]): string {
  const known = secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), argument)
  return (
    known
      .replace(SECRET_TEXT, HIDDEN)
      // https://user:password@host, and https://token@host
      .replace(/(\/\/[^/\s:@]*):[^/\s@]*@/g, `$1:${HIDDEN}@`)
      .replace(/\/\/[^/\s:@]+@/g, `//${HIDDEN}@`)
      // ?api-key=... in a URL, and "api_key": "..." in JSON, or a number, or an array
      .replace(/([?&])([^=&\s]+)=([^&\s#]+)/g, (all, mark: string, name: string) =>
        SECRET_NAME.test(name) ? `${mark}${name}=${HIDDEN}` : all,
      )
      .replace(
        /"([^"]+)"(\s*:\s*)(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|\[[^\]]*\])/g,
        (all, name: string, colon: string) => (SECRET_NAME.test(name) ? `"${name}"${colon}"${HIDDEN}"` : all),
      )
  )
}

/** For a POSIX shell. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
}
