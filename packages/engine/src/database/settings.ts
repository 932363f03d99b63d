/**
 * The pragmas of a connection. The first must be: cr-sqlite's first write must already find temporary structures in memory.
 * With SQLite's own cache of 2 MB an import of 100,000 rows reads and writes its pages over and over, and takes four times
 * as long on OPFS; memory is taken as pages are touched.
 */
export const settings = (durability: 'strict' | 'relaxed' = 'strict') => `
  PRAGMA temp_store = memory;
  PRAGMA locking_mode = exclusive;
  PRAGMA journal_mode = truncate;
  PRAGMA synchronous = ${durability === 'relaxed' ? 'normal' : 'full'};
  PRAGMA cache_size = -32000;
  PRAGMA foreign_keys = on;`
