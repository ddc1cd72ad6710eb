import { REPORTS_PREFIX } from './archive.ts'

export interface ReportColumn {
  readonly name: string
  readonly type: 'date' | 'string' | 'bigint' | 'double'
  readonly about: string
}

/** One table that a report publishes: the same measures by one dimension. */
export interface ReportTable {
  /** The value of the `by` parameter. */
  readonly by: string
  /** The column that the rows of a day are grouped by. */
  readonly dimension: string
  /** In the order they are published in. */
  readonly columns: readonly ReportColumn[]
}

/** What a report is: a query over the archive that is published anew for each UTC day that got events. */
export interface Report {
  /** Lower-case words with dashes: the name in routes, commands and object keys. */
  readonly name: string
  /** One sentence for the docs. */
  readonly about: string
  /** The first is shown where nobody says which. */
  readonly tables: readonly ReportTable[]
}

export type ReportFormat = 'parquet' | 'csv'

/** Prefix of everything that a report ever published. */
export const reportPrefix = (report: string): string => `${REPORTS_PREFIX}${report}/`

/**
 * Prefix of the objects that one run published of one table, in one format and nothing else. There is no `name=value` in it:
 * readers that guess partitions would add columns.
 */
export const publishedPrefix = (report: string, run: string, by: string, format: ReportFormat): string =>
  `${reportPrefix(report)}${run}/${format === 'parquet' ? '' : `${format}/`}by_${by}/`

/** Key of the object that holds one day, `YYYY-MM-DD`. */
export const publishedKey = (report: string, run: string, by: string, format: ReportFormat, date: string): string =>
  `${publishedPrefix(report, run, by, format)}${date}.${format}`

const RUN = /^\d{8}T\d{9}Z-[0-9a-f]{8}$/

/** Name of a run: when it began, to the millisecond, so that runs sort by time, and 8 random hexadecimal digits. */
export const runId = (now: number, random: string): string => `${new Date(now).toISOString().replace(/[-:.]/g, '')}-${random}`

export const isRunId = (text: string): boolean => RUN.test(text)
