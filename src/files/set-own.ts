/** Sets a property of the object itself, whatever its name: assigning to `__proto__` would do something else. */
export function setOwn(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}
