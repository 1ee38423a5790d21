/** Lets loops wait until something has changed. */
export class Change {
  #next = Promise.withResolvers<undefined>()

  notify(): void {
    this.#next.resolve(undefined)
    this.#next = Promise.withResolvers()
  }

  wait(): Promise<undefined> {
    return this.#next.promise
  }
}
