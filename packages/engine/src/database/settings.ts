/**
 * The pragmas of a connection. The first must be: cr-sqlite's first write must already find temporary structures in memory.
 * SQLite's rollback journal is in memory, where it serves ROLLBACK: that a transaction is whole on disk is the file's
 * affair. With SQLite's own cache of 2 MB an import of 100,000 rows reads and writes its pages over and over, and takes
 * four times as long on OPFS; memory is taken as pages are touched.
 */
export const SETTINGS = `
  PRAGMA temp_store = memory;
  PRAGMA locking_mode = exclusive;
  PRAGMA journal_mode = memory;
  PRAGMA synchronous = full;
  PRAGMA cache_size = -32000;
  PRAGMA foreign_keys = on;`
