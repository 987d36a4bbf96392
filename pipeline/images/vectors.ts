// The compiler's library for Node does not know the standard's WebAssembly.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

const PAGE_BYTES = 65_536

/** The one memory of a module of vector routines. */
export interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** What a module exports, from its assembled bytes in base64. */
export const routinesOf = <Routines extends { readonly memory: Memory }>(assembled: string): Routines =>
  new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(assembled, 'base64'))).exports as Routines

/** Lets the memory hold so many bytes. Views of its buffer made before are empty afterwards when it had to grow. */
export function makeRoom(memory: Memory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES)
  if (missing > 0) memory.grow(missing)
}
