/** A value that is no data of the database (the route, the toasts) and that components follow. */
export interface Cell<T> {
  get(): T
  set(value: T): void
  /** Returns the undo. */
  subscribe(listener: () => void): () => void
}

export function cell<T>(value: T): Cell<T> {
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set(next) {
      value = next
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
