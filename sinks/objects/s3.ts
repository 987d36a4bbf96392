import { createHash } from 'node:crypto'
import {
  type _Object as Listed,
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { named, NotFound, StoreError } from './errors.ts'

export interface S3Options {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Attempts per call, with the SDK's exponential back-off. */
  readonly maxAttempts?: number
  /** Silence on the connection that ends an attempt, ms. */
  readonly requestTimeoutMs?: number
}

export interface ObjectInfo {
  readonly key: string
  readonly size: number
  /** By the store's clock, ms UTC; whole seconds at some stores. */
  readonly lastModified: number
}

/** Objects of an S3-compatible store. Every call names bucket and key in its error; a missing object or bucket is `NotFound`. */
export interface ObjectStore {
  get(bucket: string, key: string): Promise<Buffer>
  /**
   * The same, in memory that threads share: for images, which another thread looks at. Their pieces go straight to their place. The store must say how
   * long the object is, as S3 does.
   */
  getShared(bucket: string, key: string): Promise<Uint8Array>
  /** Exactly `length` bytes from `offset`. */
  getRange(bucket: string, key: string, offset: number, length: number): Promise<Buffer>
  /** Writes the object whole, replacing what was there. */
  put(bucket: string, key: string, bytes: Uint8Array): Promise<{ readonly size: number; readonly sha256: string }>
  /** Undefined where there is no such object. */
  head(bucket: string, key: string): Promise<ObjectInfo | undefined>
  /** Every object under the prefix in the order of keys, page by page; `startAfter`: only keys beyond it. */
  list(bucket: string, prefix: string, startAfter?: string): AsyncIterable<ObjectInfo>
  /** Folders directly under the prefix, each with its trailing slash, in order. */
  folders(bucket: string, prefix: string, startAfter?: string): AsyncIterable<string>
  /** Makes the bucket unless it is there. */
  createBucket(bucket: string): Promise<void>
  close(): void
}

/** Connects at the first call. Path-style addresses; every call has bounded attempts and time. */
export function openObjectStore(options: S3Options): ObjectStore {
  const client = connect(options)
  return {
    get: (bucket, key) => read(client, bucket, key),
    getShared: (bucket, key) => readShared(client, bucket, key),
    getRange: async (bucket, key, offset, length) => {
      if (length === 0) return Buffer.alloc(0)
      const bytes = await read(client, bucket, key, `bytes=${offset}-${offset + length - 1}`)
      if (bytes.length === length) return bytes
      throw new StoreError(
        `${bucket}/${key}: ${bytes.length} bytes from ${offset} instead of ${length}: it is cut short`,
      )
    },
    put: (bucket, key, bytes) =>
      named('write', bucket, key, async () => {
        const sha256 = createHash('sha256').update(bytes).digest('hex')
        await client.send(signedWith(sha256, new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes })))
        return { size: bytes.length, sha256 }
      }),
    head: async (bucket, key) => {
      try {
        const found = await named('look at', bucket, key, () =>
          client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })),
        )
        return { key, size: found.ContentLength ?? 0, lastModified: found.LastModified?.getTime() ?? 0 }
      } catch (error) {
        if (error instanceof NotFound) return undefined
        throw error
      }
    },
    async *list(bucket, prefix, startAfter) {
      for await (const page of pages(client, bucket, prefix, undefined, startAfter))
        yield* (page.Contents ?? []).map(toInfo)
    },
    async *folders(bucket, prefix, startAfter) {
      for await (const page of pages(client, bucket, prefix, '/', startAfter))
        yield* (page.CommonPrefixes ?? []).map(folder => folder.Prefix!)
    },
    createBucket: async bucket => {
      try {
        await named('create', bucket, '', () => client.send(new CreateBucketCommand({ Bucket: bucket })))
      } catch (error) {
        const name = (error as { cause?: { name?: string } }).cause?.name
        if (name !== 'BucketAlreadyOwnedByYou' && name !== 'BucketAlreadyExists') throw error
      }
    },
    close: () => client.destroy(),
  }
}

/** The signature holds the body's hash; a signer that finds it in the head does not hash the body, 20 MB a unit, once more. */
function signedWith(sha256: string, command: PutObjectCommand): PutObjectCommand {
  command.middlewareStack.add(
    next => args => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = sha256
      return next(args)
    },
    { step: 'build', name: 'signedWith' },
  )
  return command
}

const toInfo = ({ Key, Size, LastModified }: Listed): ObjectInfo => ({
  key: Key!,
  size: Size ?? 0,
  lastModified: LastModified?.getTime() ?? 0,
})

function connect(options: S3Options): S3Client {
  const timeout = options.requestTimeoutMs ?? 10_000
  return new S3Client({
    endpoint: options.endpoint,
    region: options.region,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    forcePathStyle: true,
    maxAttempts: options.maxAttempts ?? 4,
    // Stores other than Amazon's refuse, or silently keep, the trailing checksums that newer SDKs add unasked.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 3_000,
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
      // The request's time ends with the first line of the answer; a store that falls silent inside the body needs its own.
      socketTimeout: timeout,
    },
  })
}

const read = (client: S3Client, bucket: string, key: string, range?: string): Promise<Buffer> =>
  named('read', bucket, key, async () => {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key, ...(range !== undefined && { Range: range }) })
    const { Body } = await client.send(command)
    const bytes = await Body!.transformToByteArray()
    // Over the same memory: a template is 12 MB.
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  })

const readShared = (client: S3Client, bucket: string, key: string): Promise<Uint8Array> =>
  named('read', bucket, key, async () => {
    const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    let bytes: Uint8Array | undefined
    let filled = 0
    for await (const piece of Body as AsyncIterable<Uint8Array>) {
      // Made in here, where an error ends the answer as well, and its connection is free again.
      bytes ??= room(ContentLength)
      bytes.set(piece, filled)
      filled += piece.length
    }
    return bytes ?? room(ContentLength)
  })

function room(length: number | undefined): Uint8Array {
  if (length === undefined) throw new Error('the store does not say how long it is')
  return new Uint8Array(new SharedArrayBuffer(length))
}

async function* pages(
  client: S3Client,
  bucket: string,
  prefix: string,
  delimiter: string | undefined,
  startAfter: string | undefined,
): AsyncIterable<ListObjectsV2CommandOutput> {
  let token: string | undefined
  do {
    const where = token === undefined ? { StartAfter: startAfter } : { ContinuationToken: token }
    const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: delimiter, ...where })
    const page: ListObjectsV2CommandOutput = await named('list', bucket, prefix, () => client.send(command))
    yield page
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}
