/** Integers from 0 to `below` - 1 that follow from a seed (the generator of Lehmer). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2 + 1
  return (below) => {
    state = (state * 48271) % 2147483647
    return state % below
  }
}
