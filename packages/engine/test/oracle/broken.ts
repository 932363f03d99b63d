/** The law does not hold. `law` says which, in the same words for every case. */
export class Broken extends Error {
  readonly law: string

  constructor(law: string, detail: string) {
    super(`${law}, ${detail}`)
    this.law = law
  }
}
