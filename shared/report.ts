import { REPORTS_PREFIX } from './archive-columns.ts'

import { millisToMicros, parseInstant } from './time.ts'

export interface ReportColumn {
  readonly name: string
  readonly type: 'date' | 'timestamp' | 'string' | 'bigint' | 'double'
  readonly about: string
}

/** One table that a daily report publishes: the same measures by one dimension. */
export interface ReportTable {
  /** The value of the `by` parameter. */
  readonly by: string
  /** The column that the rows of a day are grouped by. */
  readonly dimension: string
  /** In the order they are published in. */
  readonly columns: readonly ReportColumn[]
}

interface Named {
  /** Lower-case words with dashes: the name in routes, commands and object keys. */
  readonly name: string
  /** One sentence for the docs. */
  readonly about: string
}

/** A query over the archive that is published anew for each UTC day that got events. */
export interface DailyReport extends Named {
  readonly kind: 'daily'
  /** The first is shown where nobody says which. */
  readonly tables: readonly ReportTable[]
}

/** A query over the whole archive as of an instant: of the events before it, whenever they arrived. */
export interface SnapshotReport extends Named {
  readonly kind: 'snapshot'
  /** The schedule makes it as of every so many full hours of the UTC day. */
  readonly everyHours: number
  /** The rows are published in objects of so many; only the last may hold fewer. */
  readonly rowsPerPart: number
  /** In the order they are published in. */
  readonly columns: readonly ReportColumn[]
}

export type Report = DailyReport | SnapshotReport

export type ReportFormat = 'parquet' | 'csv'

/** One row of a published report in the API: values by column name. Days and instants are text. */
export type ReportRow = Readonly<Record<string, string | number | null>>

/** What is published is named by its day, `YYYY-MM-DD`, or its instant, RFC 3339 in UTC; `run` made it. */
export interface Publication {
  readonly period: string
  readonly run: string
}

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

/** Prefix of the objects that one run published as of its instant, in one format and nothing else. */
export const partsPrefix = (report: string, run: string, format: ReportFormat): string =>
  `${reportPrefix(report)}${run}/${format}/`

/** Key of one part, from 0 on: the order of the keys is the order of the rows. */
export const partKey = (report: string, run: string, format: ReportFormat, part: number): string =>
  `${partsPrefix(report, run, format)}${String(part).padStart(5, '0')}.${format}`

const RUN = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-[0-9a-f]{8}$/

/** Name of a run: when it began, to the millisecond, so that runs sort by time, and 8 random hexadecimal digits. */
export const runId = (now: number, random: string): string => `${new Date(now).toISOString().replace(/[-:.]/g, '')}-${random}`

export const isRunId = (text: string): boolean => RUN.test(text)

/** When a run began, in milliseconds since 1970. */
export const runStart = (run: string): number => Date.parse(run.replace(RUN, '$1-$2-$3T$4:$5:$6.$7Z'))

/**
 * The newest of what is published as of instants. A run as of an instant that had not come is as of its own beginning: later
 * events cannot be in it, and it must not stand before every later run.
 */
export function newestSnapshot<P extends Publication>(published: readonly P[]): P | undefined {
  const asOf = ({ period: of, run }: Publication): bigint => {
    const [instant, began] = [parseInstant(of) ?? 0n, millisToMicros(runStart(run))]
    return instant < began ? instant : began
  }
  return published.reduce<P | undefined>((newest, one) => (newest && asOf(newest) >= asOf(one) ? newest : one), undefined)
}
