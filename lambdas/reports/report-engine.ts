import type { DailyReport, SnapshotReport } from '../../shared/report.ts'
import type { NearDays, Period, SkippedDays } from './plan-run.ts'
import type { RunDependencies } from './publish.ts'

/** Which days of a report a run computes. */
export interface DaysWanted {
  readonly period: Period
  /** Objects written at this time or later are new: milliseconds since 1970. */
  readonly since: number
  /** Which days a run for the days with arrivals publishes. */
  readonly near: NearDays
  readonly run: string
}

/** The computed rows. `resultOf` is a query of DuckDB in the workspace of the run, by the name of a result (report-sql.ts). */
export interface Computed {
  resultOf(name: string): string
}

interface ComputedDays extends Computed {
  /** The days to publish: since 1970, ascending. */
  readonly days: readonly number[]
  /** Those of which every event is from the future. */
  readonly ofFuture: ReadonlySet<number>
  /** The days with arrivals that are not published: all of these are too far from their day, or others have expired. */
  readonly skipped: SkippedDays
}

/** Computes the results of one report from the archive. What is done with the rows does not depend on the engine. */
export interface ReportEngine {
  computeDays(report: DailyReport, wanted: DaysWanted, storage: RunDependencies): Promise<ComputedDays>
  /** Of the events before `at`, in microseconds since 1970. */
  computeBefore(report: SnapshotReport, at: bigint, storage: RunDependencies, run: string): Promise<Computed>
}
