/** One page of the console. */
export interface View {
  readonly element: HTMLElement
  /** How often it is read again, in milliseconds. */
  readonly every: number
  /** Reads and shows; throws an ApiError, and what was shown stays. */
  refresh(): Promise<void>
  /** Ends what listens. */
  end(): void
}

/** A part of a page that can be missing by itself: it says so in its own place. */
export type Open = (refreshed: () => void) => View
