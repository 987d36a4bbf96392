/** What `mapFile` writes. */
export interface MapFile {
  readonly nside: number
  readonly values: readonly number[]
  /** As FITS has it: a count, and one of L B I J K E D. */
  readonly tform: string
  /** Bytes of another column beside it. */
  readonly beside?: number
  /** Cards that replace or follow the usual ones. */
  readonly header?: Readonly<Record<string, string | number>>
}

/** A HEALPix map as other programs write it: an empty primary HDU and a binary table with pixels in implicit order. */
export function mapFile({ nside, values, tform, beside = 0, header = {} }: MapFile): Buffer {
  const kind = tform.at(-1) as keyof typeof WRITERS
  const inRow = Number(tform.slice(0, -1) || 1)
  const [width, write] = WRITERS[kind]
  const rows = values.length / inRow
  const row = inRow * width + beside
  const data = Buffer.alloc(Math.ceil((rows * row) / 2880) * 2880)
  values.forEach((value, i) => write(data, value, Math.floor(i / inRow) * row + (i % inRow) * width))
  const cards = {
    ...{ XTENSION: 'BINTABLE', BITPIX: 8, NAXIS: 2, NAXIS1: row, NAXIS2: rows, PCOUNT: 0, GCOUNT: 1 },
    ...{ TFIELDS: beside > 0 ? 2 : 1, TTYPE1: 'MASK', TFORM1: tform, ...(beside > 0 && { TFORM2: `${beside}B` }) },
    ...{ PIXTYPE: 'HEALPIX', ORDERING: 'RING', COORDSYS: 'C', NSIDE: nside, INDXSCHM: 'IMPLICIT', ...header },
  }
  return Buffer.concat([headerOf({ SIMPLE: true, BITPIX: 8, NAXIS: 0, EXTEND: true }), headerOf(cards), data])
}

type Write = (data: Buffer, value: number, at: number) => unknown
const WRITERS: Readonly<Record<'L' | 'B' | 'I' | 'J' | 'K' | 'E' | 'D', readonly [number, Write]>> = {
  L: [1, (data, value, at) => data.write(['F', 'T'][value] ?? '\0', at, 'latin1')],
  B: [1, (data, value, at) => data.writeUInt8(value, at)],
  I: [2, (data, value, at) => data.writeInt16BE(value, at)],
  J: [4, (data, value, at) => data.writeInt32BE(value, at)],
  K: [8, (data, value, at) => data.writeBigInt64BE(BigInt(value), at)],
  E: [4, (data, value, at) => data.writeFloatBE(value, at)],
  D: [8, (data, value, at) => data.writeDoubleBE(value, at)],
}

function headerOf(cards: Readonly<Record<string, string | number | boolean>>): Buffer {
  const text = Object.entries(cards)
    .map(([key, value]) => {
      const field = typeof value === 'string' ? `'${value.padEnd(8)}'` : value === true ? 'T' : String(value)
      return `${key.padEnd(8)}= ${typeof value === 'string' ? field : field.padStart(20)}`.padEnd(80)
    })
    .concat('END'.padEnd(80))
    .join('')
  return Buffer.from(text.padEnd(Math.ceil(text.length / 2880) * 2880), 'latin1')
}
