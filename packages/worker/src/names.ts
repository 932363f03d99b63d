import type { ClientId } from '@millrace/protocol'

/*
 * The names of locks, channels and folders. Locks and the discovery channel keep their names in every version of
 * Millrace: tabs of different builds find each other by them, and say so.
 */

/** One port of one page. Random; a page that asks again uses a new one, so that no late message meets the wrong port. */
export type PortId = string & { readonly PortId: unique symbol }
/** One owner's time in office. Random. */
export type OwnerEpoch = string & { readonly OwnerEpoch: unique symbol }

/** Held by the worker that has the database open. The others wait for it: getting it is the takeover. */
export const ownerLock = (database: string): string => `millrace/${database}/owner`

/** Held by a page as long as its port lives. The owner waits for it, and so learns that the page is gone. */
export const portLock = (database: string, port: PortId): string => `millrace/${database}/client/${port}`

/**
 * The journal of one client in localStorage, and the lock of that name: the client's page holds it while it runs, and who
 * replays the journal holds it meanwhile.
 */
export const journalKey = (database: string, client: ClientId): string =>
  `${journalPrefix(database)}${client}`

/** Whose journal a key of localStorage is; undefined where it is none of this database. */
export function journalClient(database: string, key: string): ClientId | undefined {
  const prefix = journalPrefix(database)
  const client = key.slice(prefix.length)
  // A database may have a slash in its name.
  return key.startsWith(prefix) && !client.includes('/') ? (client as ClientId) : undefined
}

const journalPrefix = (database: string) => `millrace/${database}/journal/`

/** The BroadcastChannel by which pages and owner find each other. */
export const discoveryChannel = (database: string): string => `millrace/${database}`

/** The two private BroadcastChannels of a page and an owner in another tab: calls and answers, and what changed. */
export const privateChannels = (
  database: string,
  epoch: OwnerEpoch,
  port: PortId,
): { control: string; changes: string } => ({
  control: `millrace/${database}/${epoch}/${port}/control`,
  changes: `millrace/${database}/${epoch}/${port}/changes`,
})

/** Longest file name that all file systems take. */
const MAX_FOLDER_NAME = 255

/**
 * The folder of a database in the origin's private file system. Different names never meet: also not where the file
 * system folds case (Safari's does), hence no capitals, and no names that it refuses (`..`, or with a slash).
 * @throws TypeError for a name that is empty or too long.
 */
export function databaseFolder(database: string): string {
  const folder = database.replaceAll(/[^a-z0-9_-]/g, (char) => `%${char.charCodeAt(0).toString(16)};`)
  if (folder === '' || folder.length > MAX_FOLDER_NAME) {
    throw new TypeError(
      `The database name ${JSON.stringify(database)} cannot be the name of a folder: give one of 1 to about 80 characters.`,
    )
  }
  return folder
}
