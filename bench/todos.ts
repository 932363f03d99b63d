/** Of the todos in all benchmarks of the engine. */
export const idOf = (i: number) => `todo-${String(i).padStart(7, '0')}`
