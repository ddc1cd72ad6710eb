/**
 * `page`: requests fail now, or what was accepted misses a store within a day if nobody acts. `ticket`: it can wait until working
 * hours.
 */
export type Severity = 'page' | 'ticket'

export interface AlarmAbout {
  /** Also the heading in docs/runbook.md that says what to do. */
  readonly name: string
  readonly severity: Severity
  /** What happened and what it means for the events, in one or two sentences. */
  readonly about: string
}
