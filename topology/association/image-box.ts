import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { ARCSEC, angle, depthInside, type Vector, vectorOf } from '../sphere.ts'

/** Where an image lies on the sky, as far as its report says so. */
export interface ImageBox {
  /** Arcseconds per pixel, along its edges; undefined where the report has no corners. */
  readonly pixelScale: number | undefined
  /** Whether a position lies on the image grown by so many pixels on every side (negative: shrunk). Without corners everything does. */
  readonly holds: (place: { readonly ra: number; readonly dec: number }, grownBy: number) => boolean
}

/**
 * The edges are taken as great circles and pixels as of one size, which for a detector of 0.2° is right to about a hundredth of a pixel in
 * ten, but for optical distortion.
 */
export function imageBox({ boundary, width, height }: Pick<PipelineResult, 'boundary' | 'width' | 'height'>): ImageBox {
  const corners = boundary.map(({ ra, dec }) => vectorOf(ra, dec))
  if (corners.length < 3 || width <= 0 || height <= 0) return { pixelScale: undefined, holds: () => true }
  const pixel = perimeter(corners) / (2 * (width + height))
  const depth = depthInside(corners)
  return {
    pixelScale: pixel / ARCSEC,
    holds: ({ ra, dec }, grownBy) => depth(vectorOf(ra, dec)) >= -grownBy * pixel,
  }
}

const perimeter = (corners: readonly Vector[]): number =>
  corners.reduce((total, corner, i) => total + angle(corner, corners[(i + 1) % corners.length]!), 0)
