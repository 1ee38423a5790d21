/** Arguments for Node.js with which a program finds no package of this name. */
export function withoutPackage(name: string): string[] {
  const hook = `export function resolve(name, context, next) {
    if (!name.startsWith('${name}')) return next(name, context)
    throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  }`
  const toUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`
  const register = `import { register } from 'node:module'\nregister(${JSON.stringify(toUrl(hook))})`
  return [`--import=${toUrl(register)}`]
}
