/** An event as a dialect decoded it. None of its fields is checked yet. */
export interface Envelope {
  readonly id?: unknown
  readonly source?: unknown
  readonly type?: unknown
  readonly subject?: unknown
  readonly time?: unknown
  /** When the sender sent the event, on the same clock as `time`: RFC 3339. */
  readonly sentAt?: unknown
  readonly data?: unknown
}
