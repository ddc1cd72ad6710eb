import type { DailyReport, Report, SnapshotReport } from '../../shared/report.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { dayMillis, formatInstant, millisToMicros, parseInstant } from '../../shared/time.ts'

const MILLIS_A_DAY = 86_400_000
const MICROS_A_MINUTE = 60_000_000n
const MICROS_AN_HOUR = 60n * MICROS_A_MINUTE

/** Which days a run publishes: one, all that the archive holds, or those that got arrivals since the last run of the schedule. */
export type Period = { readonly day: number } | 'every day' | 'days with arrivals'

/** A run as it was asked for. */
export type RunRequest = {
  /** Runs of the same report and name exclude each other. */
  readonly name: string
  /** A run of the schedule happens once: a second start of the same name gets the first one's answer. */
  readonly once: boolean
} & (
  | { readonly report: DailyReport; readonly period: Period }
  /** As of `at`, in microseconds since 1970. */
  | { readonly report: SnapshotReport; readonly at: bigint }
)

/** The day number (days since 1970) of `YYYY-MM-DD`, or undefined when there is no such day. */
export function dayOf(date: string): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date) ?? []
  const millis = Number(year) > 0 ? dayMillis(Number(year), Number(month), Number(day)) : undefined
  return millis === undefined ? undefined : millis / MILLIS_A_DAY
}

export const dateOf = (day: number): string => new Date(day * MILLIS_A_DAY).toISOString().slice(0, 10)

/** What an invocation asks for. Throws one line that says what is wrong: only our own scheduler and CLI call this function. */
export function readRequest(input: unknown, reports: readonly Report[], now: number): RunRequest {
  const { report: name, once, ...when } = (input ?? {}) as Record<string, unknown>
  const report = reports.find(known => known.name === name)
  if (!report)
    throw new SafeError(`Unknown report ${JSON.stringify(name)}; there are: ${reports.map(known => known.name).join(', ')}.`)
  return report.kind === 'daily'
    ? { report, once: once === true, ...readPeriod(when, now) }
    : { report, once: once === true, ...readAt(report, when, once === true, now) }
}

type When = Readonly<Record<string, unknown>>

function readPeriod({ date, at, all }: When, now: number): { name: string; period: Period } {
  if (date !== undefined) {
    const day = typeof date === 'string' ? dayOf(date) : undefined
    if (day === undefined) throw new SafeError('date must be a day, such as 2026-01-31.')
    return { name: `date#${dateOf(day)}`, period: { day } }
  }
  if (all === true) return { name: 'all', period: 'every day' }
  return { name: lockNameOf(readInstant(at) ?? roundedDown(millisToMicros(now), MICROS_A_MINUTE)), period: 'days with arrivals' }
}

/**
 * The schedule calls some minutes after a full hour and means that hour: by then the archive holds what happened before it. A
 * person who names no instant means all there is now.
 */
function readAt(report: SnapshotReport, { date, at, all }: When, scheduled: boolean, now: number): { name: string; at: bigint } {
  if (date !== undefined || all !== undefined) throw new SafeError(`${report.name} is made as of an instant; use at, not date.`)
  const instant = readInstant(at) ?? millisToMicros(now)
  const asOf = scheduled ? roundedDown(instant, MICROS_AN_HOUR) : instant
  return { name: lockNameOf(asOf), at: asOf }
}

/** The scheduler's local emulation passes its placeholder as it is: as if nothing was said. */
const PLACEHOLDER = '<aws.scheduler.scheduled-time>'

function readInstant(at: unknown): bigint | undefined {
  if (at === undefined || at === PLACEHOLDER) return undefined
  const instant = typeof at === 'string' ? parseInstant(at) : undefined
  if (instant === undefined) throw new SafeError('at must be RFC 3339, such as 2026-01-31T00:00:00Z.')
  return instant
}

const lockNameOf = (instant: bigint): string => `at#${formatInstant(instant)}`

const roundedDown = (instant: bigint, step: bigint): bigint => instant - (((instant % step) + step) % step)

/** Megabytes that DuckDB may use of a function's memory: the rest is for Node, downloads and exact quantiles. */
export const databaseMegabytes = (functionMegabytes: number): number => Math.max(256, Math.floor(functionMegabytes / 2))
