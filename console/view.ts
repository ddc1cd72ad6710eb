/** One view of the console. */
export interface View {
  readonly element: HTMLElement
  /** How often the view is refreshed, in milliseconds. */
  readonly intervalMs: number
  /** Reads the data and shows it. Throws an ApiError when a read fails; the old data stays visible. */
  refresh(): Promise<void>
  /** Removes listeners and charts. */
  dispose(): void
}

/** Opens a view. The view calls `requestRefresh` when the user changes what it should show. */
export type OpenView = (requestRefresh: () => void) => View
