export {
  BTreeIndex,
  count,
  createCollection,
  createLiveQueryCollection,
  eq,
  localOnlyCollectionOptions,
  sum,
} from '@tanstack/db'
