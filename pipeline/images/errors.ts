import { FitsError } from './fits.ts'

/** Every way in which a pipeline can fail. No retry helps: the same bytes fail in the same way. */
export type AlgorithmErrorCode =
  | 'raw-missing'
  | 'raw-unreadable'
  | 'raw-wrong-detector'
  | 'raw-wrong-filter'
  | 'calibration-missing'
  | 'calibration-unreadable'
  | 'calibration-mismatch'
  | 'template-unreadable'
  | 'template-mismatch'
  | 'no-template-overlap'
  | 'no-good-pixels'
  | 'too-few-psf-stars'
  | 'too-few-kernel-stars'
  | 'kernel-unsolvable'
  | 'too-many-sources'

/** A failure of the algorithms on these inputs, in a sentence that an operator understands. */
export class AlgorithmError extends Error {
  override readonly name = 'AlgorithmError'
  readonly code: AlgorithmErrorCode

  constructor(code: AlgorithmErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Runs `read`; a FitsError becomes an AlgorithmError of this code that says which file it was, for example "raw 1". */
export function reading<T>(code: AlgorithmErrorCode, file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof FitsError) throw new AlgorithmError(code, `${file}: ${error.message}`)
    throw error
  }
}
