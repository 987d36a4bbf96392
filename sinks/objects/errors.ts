import { S3ServiceException } from '@aws-sdk/client-s3'

/** There is no such object, or no such bucket. Asking again does not help. */
export class NotFound extends Error {
  override readonly name = 'NotFound'
}
/** The store did not do it, after all attempts. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}

/** Runs a call and makes its error say what was tried on which object. */
export async function named<T>(verb: string, bucket: string, key: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
    const what = `${bucket}/${key}`
    if (status === 404) throw new NotFound(`${what} does not exist`, { cause: error })
    const { name, message } = error as Error
    throw new StoreError(`could not ${verb} ${what}: ${name}: ${message}`, { cause: error })
  }
}
