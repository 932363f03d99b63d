export { MillraceProvider, type MillraceProviderProps } from './provider.ts'
export { useDb } from './use-db.ts'
export { useQuery } from './use-query.ts'
export { type Rejections, useRejections } from './use-rejections.ts'
