import type { DatasetType } from '../../topology/registration.ts'
import type { Characterized } from './characterize.ts'
import { type HduContent, type HeaderValue, writeFits } from './fits.ts'
import { MASK, type MaskedImage } from './image.ts'
import type { Kernel } from './convolve.ts'
import type { KernelFit } from './spatial-kernel.ts'
import { type Wcs, skyOf, wcsCards } from './wcs.ts'

/** A file for the repository: FITS bytes of a dataset type, in shared memory, since another thread stores them: 20 MB for a chip of 1024². */
export interface ProductFile {
  readonly datasetType: DatasetType
  readonly bytes: Uint8Array
}

type Cards = Readonly<Record<string, HeaderValue>>

/** Image, VARIANCE and MASK planes; the mask's bits are named in MP_ cards (bit number, from 0). With a PSF where one is known. */
export function imageProduct(
  datasetType: DatasetType,
  image: MaskedImage,
  about: { readonly unit: string; readonly wcs: Wcs; readonly cards: Cards; readonly psf?: Kernel | undefined },
): ProductFile {
  const { width, height } = image
  const bits = Object.fromEntries(Object.entries(MASK_CARDS).map(([name, bit]) => [name, Math.log2(bit)]))
  const hdus: HduContent[] = [
    {
      header: { ...about.cards, BUNIT: about.unit, ...wcsCards(about.wcs) },
      image: { width, height, data: image.image },
    },
    { header: { EXTNAME: 'VARIANCE' }, image: { width, height, data: image.variance } },
    { header: { EXTNAME: 'MASK', ...bits }, image: { width, height, data: image.mask } },
    ...(about.psf ? [kernelHdu('PSF', about.psf)] : []),
  ]
  return { datasetType, bytes: writeFits(hdus, SharedArrayBuffer) }
}

const MASK_CARDS = { MP_BAD: MASK.bad, MP_SAT: MASK.saturated, MP_CR: MASK.cosmicRay, MP_NODAT: MASK.noData }

const kernelHdu = (name: string, { half, data }: Kernel): HduContent => ({
  header: { EXTNAME: name },
  image: { width: 2 * half + 1, height: 2 * half + 1, data },
})

/** The fitted kernel: extension TERMn belongs to the n-th of 1, u, v, u², uv, v² with u, v from −1 to 1 over the chip. */
export function kernelProduct(fit: KernelFit, convolved: string, cards: Cards): ProductFile {
  const header = {
    ...cards,
    CONVOLVE: convolved,
    KORDER: fit.order,
    KSUM: fit.sum,
    KSTARS: fit.stars,
    KCHI2: fit.chi2,
    BACK0: fit.background[0],
    BACKX: fit.background[1],
    BACKY: fit.background[2],
  }
  const terms = fit.kernels.map((kernel, k) => kernelHdu(`TERM${k}`, kernel))
  return { datasetType: 'difference_kernel', bytes: writeFits([{ header }, ...terms], SharedArrayBuffer) }
}

/** Sources of the science image, one row each (float64): x, y (pixels from 0), ra, dec (degrees), snr. */
export function sourceProduct({ sources, image }: Characterized, wcs: Wcs, cards: Cards): ProductFile {
  const columns = ['x', 'y', 'ra', 'dec', 'snr']
  const inside = sources.filter(({ x, y }) => image.mask[y * image.width + x] === 0)
  const data = Float64Array.from(
    inside.flatMap(({ x, y, score }) => {
      const { ra, dec } = skyOf(wcs, x, y)
      return [x, y, ra, dec, score]
    }),
  )
  const names = Object.fromEntries(columns.map((name, i) => [`COLUMN${i + 1}`, name]))
  const table = { width: columns.length, height: inside.length, data }
  const hdu = { header: { ...cards, ...names }, image: table }
  return { datasetType: 'single_visit_star', bytes: writeFits([hdu], SharedArrayBuffer) }
}
