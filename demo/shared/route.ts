import { type Cell, cell } from './cell.ts'
import type { Filter } from './todos.ts'

/** What the address says: `#/`, `#/active`, `#/<list>`, `#/<list>/completed`. Without a list it is the first one. */
export interface Route {
  readonly list: string | undefined
  readonly filter: Filter
}

export const filters: readonly { readonly filter: Filter; readonly name: string }[] = [
  { filter: 'all', name: 'All' },
  { filter: 'active', name: 'Active' },
  { filter: 'completed', name: 'Completed' },
]

export const route: Cell<Route> = cell(parse(location.hash))

addEventListener('hashchange', () => route.set(parse(location.hash)))

function parse(hash: string): Route {
  const parts = hash.replace(/^#\/?/, '').split('/')
  const named = filters.find(({ filter }) => filter !== 'all' && filter === parts.at(-1))
  if (named) parts.pop()
  return { list: parts[0] || undefined, filter: named?.filter ?? 'all' }
}

export function linkTo({ list, filter }: Route): string {
  return `#/${[list, filter === 'all' ? undefined : filter].filter(Boolean).join('/')}`
}

export function go(to: Route): void {
  location.hash = linkTo(to)
}
