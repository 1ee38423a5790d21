/**
 * Sets a property of the object itself, with any name. An assignment to `__proto__` would change
 * the prototype.
 */
export function setOwn(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}
