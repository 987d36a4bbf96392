import { crc32 } from 'node:zlib'

/** MS-DOS date of 1 January 1980, the earliest a zip can say: the archive depends on its content alone. */
const DATE = 0x0021

/**
 * A zip archive of a few small files, stored uncompressed: a local header before each file, then the central directory, then its end
 * (PKWARE APPNOTE 4.3.6). Names and sizes beyond 2^16 files or 2^32 bytes would need zip64 and are not for this.
 */
export function zipOf(files: ReadonlyMap<string, string>): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const [path, text] of files) {
    const [name, data] = [Buffer.from(path), Buffer.from(text)]
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0) // version 2.0 is needed to read it
    common.writeUInt16LE(0x0800, 2) // names are UTF-8
    common.writeUInt16LE(DATE, 8)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(data.length, 14) // compressed
    common.writeUInt32LE(data.length, 18) // as it is
    common.writeUInt16LE(name.length, 22)
    const position = Buffer.alloc(14)
    position.writeUInt32LE(offset, 10)
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), common, name])
    central.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, position, name)
    local.push(header, data)
    offset += header.length + data.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.size, 4)
  end.writeUInt16LE(files.size, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...local, directory, Buffer.from('PK\x05\x06'), end])
}
