import type { MillraceError } from '@millrace/client'

/** What a user can do when the database does not open. */
export function advice({ code }: MillraceError): string {
  switch (code) {
    case 'STORAGE_UNAVAILABLE':
      return 'This browser, or this window, gives no private storage. A normal window of a recent browser does.'
    case 'STORAGE_FULL':
      return 'The disk, or what this site may use of it, is full. Free some space, then try again.'
    case 'OWNER_LOST':
      return 'No tab answers for the database. Close the other tabs of this app, then try again.'
    case 'PROTOCOL_MISMATCH':
      return 'Another tab runs a different version of this app. Reload that tab, then this one.'
    default:
      return 'Try again. If it happens again, please report it with the lines below.'
  }
}
