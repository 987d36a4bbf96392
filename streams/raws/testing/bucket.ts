import type { Bucket } from '../bucket.ts'

/** A bucket in memory: what was put, when, and which calls were made. */
export function memoryBucket() {
  const objects = new Map<string, { bytes: Uint8Array; lastModified: number }>()
  const calls: string[] = []
  const put = (key: string, content: string | object, lastModified = 0) =>
    objects.set(key, {
      bytes: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
      lastModified,
    })
  const keys = (prefix: string) => [...objects.keys()].filter(key => key.startsWith(prefix)).sort()
  const bucket: Bucket = {
    get: async (name, key) => {
      calls.push(`get ${key}`)
      const object = objects.get(key)
      if (!object) throw Object.assign(new Error(`${name}/${key} is not there`), { name: 'NotFound' })
      return object.bytes
    },
    async *list(_bucket, prefix) {
      calls.push(`list ${prefix}`)
      await Promise.resolve()
      for (const key of keys(prefix)) {
        const { bytes, lastModified } = objects.get(key)!
        yield { key, lastModified, size: bytes.length }
      }
    },
    async *folders(_bucket, prefix) {
      calls.push(`folders ${prefix}`)
      await Promise.resolve()
      const inside = keys(prefix).filter(key => key.slice(prefix.length).includes('/'))
      yield* new Set(inside.map(key => prefix + key.slice(prefix.length).split('/')[0] + '/'))
    },
  }
  return { bucket, put, calls, objects, remove: (key: string) => objects.delete(key) }
}

/** Key of a LATISS raw of the night 2026-11-22, its sidecar beside it. */
export const latissKey = (sequence: number, extension = 'fits') => {
  const obsid = `AT_O_20261122_${String(sequence).padStart(6, '0')}`
  return `LATISS/20261122/${obsid}/${obsid}_R00_S00.${extension}`
}
