import type { Report } from '../../shared/report.ts'
import { dayMillis, formatInstant, millisToMicros, parseInstant } from '../../shared/time.ts'

const MILLIS_A_DAY = 86_400_000

/** Which days a run publishes: one, all that the archive holds, or those that got arrivals since the last run of the schedule. */
export type Period = { readonly day: number } | 'every day' | 'days with arrivals'

/** A run as it was asked for. */
export interface Request {
  readonly report: Report
  readonly period: Period
  /** Runs of the same name exclude each other. */
  readonly name: string
  /** A run of the schedule happens once: a second start of the same name gets the first one's answer. */
  readonly once: boolean
}

/** The day number (days since 1970) of `YYYY-MM-DD`, or undefined when there is no such day. */
export function dayOf(date: string): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date) ?? []
  const millis = Number(year) > 0 ? dayMillis(Number(year), Number(month), Number(day)) : undefined
  return millis === undefined ? undefined : millis / MILLIS_A_DAY
}

export const dateOf = (day: number): string => new Date(day * MILLIS_A_DAY).toISOString().slice(0, 10)

/** What an invocation asks for. Throws one line that says what is wrong: only our own scheduler and CLI call this function. */
export function readRequest(input: unknown, reports: readonly Report[], now: number): Request {
  const { report: name, date, at, all } = (input ?? {}) as Record<string, unknown>
  const report = reports.find(known => known.name === name)
  if (!report)
    throw new Error(`Unknown report ${JSON.stringify(name)}; there are: ${reports.map(known => known.name).join(', ')}.`)
  if (date !== undefined) {
    const day = typeof date === 'string' ? dayOf(date) : undefined
    if (day === undefined) throw new Error('date must be a day, such as 2026-01-31.')
    return { report, period: { day }, name: `date#${dateOf(day)}`, once: false }
  }
  if (all === true) return { report, period: 'every day', name: 'all', once: false }
  return { report, period: 'days with arrivals', name: `at#${instantOf(at, now)}`, once: true }
}

/** The scheduler's local emulation passes its placeholder as it is: then the minute of the call stands for the scheduled time. */
const PLACEHOLDER = '<aws.scheduler.scheduled-time>'

function instantOf(at: unknown, now: number): string {
  if (at === undefined || at === PLACEHOLDER) return formatInstant(millisToMicros(now - (now % 60_000)))
  const instant = typeof at === 'string' ? parseInstant(at) : undefined
  if (instant === undefined) throw new Error('at must be RFC 3339, such as 2026-01-31T00:00:00Z.')
  return formatInstant(instant)
}

/** Megabytes that DuckDB may use of a function's memory: the rest is for Node, downloads and exact quantiles. */
export const databaseMegabytes = (functionMegabytes: number): number => Math.max(256, Math.floor(functionMegabytes / 2))
