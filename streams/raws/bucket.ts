export interface ListedObject {
  readonly key: string
  /** By the store's clock, ms UTC; whole seconds at some stores. */
  readonly lastModified: number
  readonly size: number
}

/** What raw-intake and raw-reconcile need of the object store. A missing object throws an error named `NotFound`. */
export interface Bucket {
  get(bucket: string, key: string): Promise<Uint8Array>
  /** Every object under the prefix, in the order of keys. */
  list(bucket: string, prefix: string): AsyncIterable<ListedObject>
  /** The folders directly under the prefix, each with its trailing slash. */
  folders(bucket: string, prefix: string): AsyncIterable<string>
}

export const isNotFound = (error: unknown): boolean => error instanceof Error && error.name === 'NotFound'
