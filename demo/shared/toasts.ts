import type { MillraceError } from '@millrace/client'
import { cell } from './cell.ts'

export interface Toast {
  readonly id: number
  readonly text: string
  /** Gives back what the user had written. */
  readonly again: (() => void) | undefined
}

export const toasts = cell<readonly Toast[]>([])

let lastId = 0

export function addToast(text: string, again?: () => void): void {
  toasts.set([...toasts.get(), { id: ++lastId, text, again }])
}

export function dismiss(toast: Toast): void {
  toasts.set(toasts.get().filter(({ id }) => id !== toast.id))
}

/** Why a write was refused, in words for the user. `text` is what they had written, if anything. */
export function refusal(error: MillraceError, text?: string): string {
  if (text === undefined) return `That change was not saved. ${error.message}`
  const quoted = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return `“${quoted}” was not saved. ${reason(error, text)}`
}

function reason({ message }: MillraceError, text: string): string {
  const length = [...text].length
  if (message.includes('title_length')) return `A todo has at most 200 characters; this one has ${length}.`
  if (message.includes('name_length'))
    return `A list’s name has at most 80 characters; this one has ${length}.`
  return message
}
