/** A buffer that nobody reads or writes, for as long as its image is held. */
const weights = new WeakMap<Uint8Array, Buffer>()

/** One byte is counted for so many of an image. */
const SHARE = 8

/**
 * Makes this thread's collector count shared memory that was given to it, a little. It counts none by itself, and a thread that allocates hardly
 * anything else would fill the machine with images that nobody holds any more: 10 MB a unit. Counted whole, as memory of its own is, it has the
 * whole heap marked for every 24 MB, twice a unit. An eighth has it marked for every 200 MB.
 */
export function counted<Bytes extends Uint8Array>(image: Bytes): Bytes {
  weights.set(image, Buffer.allocUnsafeSlow(image.length / SHARE))
  return image
}
