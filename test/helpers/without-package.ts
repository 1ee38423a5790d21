/**
 * Arguments for Node.js with which a program finds no package, and no module of Node.js, of this
 * name.
 */
export function withoutPackage(name: string): string[] {
  const hook = `export function resolve(name, context, next) {
    if (name !== '${name}' && !name.startsWith('${name}/')) return next(name, context)
    const message = "Cannot find package '${name}' imported from " + context.parentURL
    throw Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' })
  }`
  return evaluated(`import { register } from 'node:module'\nregister(${JSON.stringify(toUrl(hook))})`)
}

/** Arguments for Node.js with which it runs a module before the program. */
export function evaluated(module: string): string[] {
  return [`--import=${toUrl(module)}`]
}

function toUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`
}
