/**
 * Reads Kafka's wire types from a buffer, front to back. Every read past the end throws a RangeError, and nothing is
 * copied: `take` and what is built on it are views.
 */
export class Bytes {
  readonly buffer: Buffer
  at: number

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer
    this.at = at
  }

  get left(): number {
    return this.buffer.length - this.at
  }
  int8(): number {
    return this.buffer.readInt8(this.#past(1))
  }
  int16(): number {
    return this.buffer.readInt16BE(this.#past(2))
  }
  int32(): number {
    return this.buffer.readInt32BE(this.#past(4))
  }
  int64(): bigint {
    return this.buffer.readBigInt64BE(this.#past(8))
  }
  take(length: number): Buffer {
    if (length < 0 || length > this.left) throw new RangeError(`${length} bytes wanted, ${this.left} left`)
    return this.buffer.subarray(this.at, (this.at += length))
  }
  string(): string {
    return this.take(this.int16()).toString('utf8')
  }
  /** A null array (length −1) reads as an empty one. */
  array<T>(item: () => T): T[] {
    const items: T[] = []
    for (let count = this.int32(); count > 0; count--) items.push(item())
    return items
  }

  /** Zigzag varint of at most 32 bits. */
  varint(): number {
    let raw = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#past(1)]!
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    throw new RangeError('a varint longer than five bytes')
  }
  /** Zigzag varint of at most 64 bits as a number: exact up to 2^53, which in milliseconds is 285,000 years. */
  varlong(): number {
    let raw = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.buffer[this.#past(1)]!
      raw += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return raw % 2 === 1 ? -(raw + 1) / 2 : raw / 2
    }
    throw new RangeError('a varint longer than ten bytes')
  }
  /** Length as a varint, then the bytes; −1 is null. */
  varbytes(): Buffer | null {
    const length = this.varint()
    return length === -1 ? null : this.take(length)
  }

  #past(size: number): number {
    if (size > this.left) throw new RangeError(`the bytes end too early, at ${this.buffer.length}`)
    const from = this.at
    this.at += size
    return from
  }
}
