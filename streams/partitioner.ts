/**
 * The partition of a key, as Java's default partitioner (and so every tool of Kafka, and kafkajs) chooses it:
 * `toPositive(murmur2(key)) % partitions`. Whatever is joined must be written with this one function.
 *
 * @param key UTF-8 when it is a string
 * @param partitions at least 1
 */
export function partitionFor(key: Buffer | string, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1)
    throw new RangeError(`a topic has at least one partition, not ${partitions}`)
  return (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff) % partitions
}

/** 32-bit MurmurHash2 with Kafka's seed, as a signed integer (A. Appleby; `org.apache.kafka.common.utils.Utils.murmur2`). */
export function murmur2(bytes: Buffer): number {
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ bytes.length
  const whole = bytes.length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(bytes.readInt32LE(i), m)
    k = Math.imul(k ^ (k >>> 24), m)
    h = Math.imul(h, m) ^ k
  }
  const left = bytes.length - whole
  if (left === 3) h ^= bytes[whole + 2]! << 16
  if (left >= 2) h ^= bytes[whole + 1]! << 8
  if (left >= 1) h = Math.imul(h ^ bytes[whole]!, m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}
