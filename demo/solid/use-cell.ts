import { type Accessor, from } from 'solid-js'
import type { Cell } from '../shared/cell.ts'

export function useCell<T>(cell: Cell<T>): Accessor<T> {
  return from((set) => cell.subscribe(() => set(() => cell.get())), cell.get())
}
