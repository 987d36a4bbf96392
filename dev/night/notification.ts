import { createHash } from 'node:crypto'
import type { Instant } from '../../topology/model/time.ts'

/** An event of a bucket in the form of S3 event notifications, with the fields that Ceph sends. */
export interface S3Event {
  readonly Records: readonly S3Record[]
}
interface S3Record {
  readonly eventVersion: string
  readonly eventSource: string
  readonly awsRegion: string
  readonly eventTime: string
  readonly eventName: string
  readonly userIdentity: { readonly principalId: string }
  readonly requestParameters: { readonly sourceIPAddress: string }
  readonly responseElements: Readonly<Record<string, string>>
  readonly s3: {
    readonly s3SchemaVersion: string
    readonly configurationId: string
    readonly bucket: Readonly<Record<'name' | 'arn' | 'id', string>> & { ownerIdentity: { principalId: string } }
    readonly object: {
      readonly key: string
      readonly size: number
      readonly eTag: string
      readonly versionId: string
      readonly sequencer: string
      readonly metadata: readonly unknown[]
      readonly tags: readonly unknown[]
    }
  }
  readonly eventId: string
  readonly opaqueData: string
}

/** What a Ceph bucket sends when an object has been put; `at` in ms UTC. The key is url-encoded, its slashes are not. */
export function objectCreated(bucket: string, key: string, bytes: Uint8Array, at: Instant): S3Event {
  const eTag = createHash('md5').update(bytes).digest('hex')
  const sequencer = at.toString(16).toUpperCase().padStart(16, '0')
  return {
    Records: [
      {
        eventVersion: '2.2',
        eventSource: 'ceph:s3',
        awsRegion: 'default',
        eventTime: new Date(at).toISOString(),
        eventName: 'ObjectCreated:Put',
        userIdentity: { principalId: 'summit' },
        requestParameters: { sourceIPAddress: '' },
        responseElements: { 'x-amz-request-id': `${sequencer}.${eTag.slice(0, 8)}`, 'x-amz-id-2': 'default' },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'prompt-processing',
          bucket: {
            name: bucket,
            arn: `arn:aws:s3:default::${bucket}`,
            id: '',
            ownerIdentity: { principalId: 'summit' },
          },
          object: { key: urlEncoded(key), size: bytes.length, eTag, versionId: '', sequencer, metadata: [], tags: [] },
        },
        eventId: `${at}.${eTag}`,
        opaqueData: '',
      },
    ],
  }
}

const urlEncoded = (key: string): string => encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
