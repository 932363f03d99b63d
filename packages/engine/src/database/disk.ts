import type { Durability } from '@millrace/protocol'

/**
 * What the engine needs of the file below SQLite. The file makes each transaction whole: when SQLite syncs it, all that
 * was written since the last time is stored together or not at all.
 */
export interface Disk {
  /** Of the commits to come. `strict`: on disk when they return. `relaxed`: within about a second, and in their order. */
  set durability(durability: Durability)
  /** After a fault nothing is read or written any more; the owner opens the files anew. */
  readonly broken: boolean
  /** While opening: what was there goes, for the database was never made whole. */
  empty(): void
  /**
   * The database is open and has its schema: stores what that wrote, as one.
   * @throws MillraceError `STORAGE_FULL`, `STORAGE_FAILED`: then what is on disk is as it was
   */
  opened(): void
  /**
   * After it every commit survives a power cut.
   * @throws MillraceError `STORAGE_FAILED`
   */
  flush(): void
}
