import { ALL } from '../../shared/environment.ts'
import type { DailyReport, Report, SnapshotReport } from '../../shared/report.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { floorTo, formatInstant, millisToMicros, parseDay, parseInstant } from '../../shared/time.ts'

const MS_PER_DAY = 86_400_000
const MICROS_PER_MINUTE = 60_000_000n
const MICROS_PER_HOUR = 60n * MICROS_PER_MINUTE

/** The days that a run publishes: one day, all days in the archive, or the days with arrivals since the last scheduled run. */
export type Period = { readonly day: number } | 'every day' | 'days with arrivals'

/**
 * How far a day may be from the arrival of an event for a scheduled run to publish it: days before and after the day of the arrival.
 * Clients choose the times of events, so else one request could make a run publish thousands of days.
 */
export type NearDays = { readonly back: number; readonly ahead: number } | 'all'

/** What a scheduled run did not publish. `report --date` or a run over all days publishes it. */
export interface SkippedDays {
  readonly days: number
  readonly arrivals: number
}

/** A checked invocation. */
export type RunRequest = {
  /** The name of the run's lock: only one run of the same report and name can be active. */
  readonly name: string
  /** Set by the scheduler. A second run of the same name is not started; it returns the result of the first. */
  readonly once: boolean
} & (
  | { readonly report: DailyReport; readonly period: Period }
  /** As of `at`, in microseconds since 1970. */
  | { readonly report: SnapshotReport; readonly at: bigint }
)

/** A day (since 1970) as `YYYY-MM-DD`. */
export const dateOf = (day: number): string => new Date(day * MS_PER_DAY).toISOString().slice(0, 10)

/** The value of `$since` in the statements of a snapshot: `everyHours` before the instant. */
export const sinceOf = ({ everyHours }: SnapshotReport, at: bigint): bigint => at - BigInt(everyHours) * MICROS_PER_HOUR

/** Checks the input of an invocation. Throws a one-line SafeError: only the scheduler and the CLI invoke this function. */
export function readRequest(input: unknown, reports: readonly Report[], now: number): RunRequest {
  const { report: name, once, ...when } = (input ?? {}) as Record<string, unknown>
  const report = reports.find(known => known.name === name)
  if (!report)
    throw new SafeError(`Unknown report ${JSON.stringify(name)}. Use one of: ${reports.map(known => known.name).join(', ')}.`)
  return report.kind === 'daily'
    ? { report, once: once === true, ...readPeriod(when, now) }
    : { report, once: once === true, ...readAt(report, when, once === true, now) }
}

type When = Readonly<Record<string, unknown>>

function readPeriod({ date, at, all }: When, now: number): { name: string; period: Period } {
  if (date !== undefined) {
    const day = typeof date === 'string' ? parseDay(date) : undefined
    if (day === undefined) throw new SafeError('date must be a day, such as 2026-01-31.')
    return { name: `date#${dateOf(day)}`, period: { day } }
  }
  if (all === true) return { name: 'all', period: 'every day' }
  const instant = readInstant(at) ?? floorTo(millisToMicros(now), MICROS_PER_MINUTE)
  return { name: lockNameOf(instant), period: 'days with arrivals' }
}

/**
 * A scheduled run starts some minutes after a full hour and reports as of that hour, because the archive is complete up to it by
 * then. A run without an instant that is not scheduled reports as of now.
 */
function readAt(report: SnapshotReport, { date, at, all }: When, scheduled: boolean, now: number): { name: string; at: bigint } {
  if (date !== undefined || all !== undefined)
    throw new SafeError(`${report.name} is published as of an instant; use at, not date or all.`)
  const instant = readInstant(at) ?? millisToMicros(now)
  const asOf = scheduled ? floorTo(instant, MICROS_PER_HOUR) : instant
  return { name: lockNameOf(asOf), at: asOf }
}

/** The local emulation of the scheduler does not replace its placeholder. It means that there is no instant. */
const PLACEHOLDER = '<aws.scheduler.scheduled-time>'

function readInstant(at: unknown): bigint | undefined {
  if (at === undefined || at === PLACEHOLDER) return undefined
  const instant = typeof at === 'string' ? parseInstant(at) : undefined
  if (instant === undefined) throw new SafeError('at must be RFC 3339, such as 2026-01-31T00:00:00Z.')
  return instant
}

const lockNameOf = (instant: bigint): string => `at#${formatInstant(instant)}`

/** Reads the settings of the function. */
export const readNearDays = (back: string, ahead: string): NearDays =>
  back === ALL || ahead === ALL ? 'all' : { back: Number(back), ahead: Number(ahead) }
