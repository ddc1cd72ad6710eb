import { SafeError } from '../../shared/safe-error.ts'

/** A write found no index. The batch is delivered again after the indices were created. */
export class MissingIndexError extends SafeError {
  readonly indices: readonly string[]

  constructor(indices: readonly string[]) {
    super(`OpenSearch has no index ${indices.join(', ')}: its documents were not written. The batch is delivered again.`)
    this.indices = indices
  }
}

/**
 * Returns a function that prepares the indices before the first batch, and again before the batch that follows a
 * MissingIndexError: somebody may delete an index while the function is warm. `prepare` is called with the missing indices.
 */
export function preparing(
  prepare: (missing: readonly string[]) => Promise<unknown>,
): (write: () => Promise<void>) => Promise<void> {
  let missing: readonly string[] | undefined = []
  return async write => {
    if (missing) await prepare(missing)
    missing = undefined
    try {
      await write()
    } catch (error) {
      if (error instanceof MissingIndexError) missing = error.indices
      throw error
    }
  }
}
