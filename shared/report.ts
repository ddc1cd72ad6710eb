import { REPORTS_PREFIX } from './archive-columns.ts'
import type { EventType } from './event-type.ts'
import { millisToMicros, parseInstant } from './time.ts'

export interface ReportColumn {
  readonly name: string
  readonly type: 'date' | 'timestamp' | 'string' | 'bigint' | 'double'
  readonly about: string
}

/** One table of a daily report: the report's measures by one dimension. */
export interface ReportTable {
  /** The value of the `by` parameter. */
  readonly by: string
  /** The column that the rows of a day are grouped by. */
  readonly dimension: string
  /** In the published order. */
  readonly columns: readonly ReportColumn[]
  readonly order: RowOrder
}

/**
 * The columns by which the published rows are sorted, such as `date` or `visits desc`. The order must be total, so that the same rows are
 * published whatever engine computed them: it ends with what no two rows have in common. The SQL may have columns only for this.
 */
export type RowOrder = readonly [string, ...string[]]

/**
 * A report: this definition, and beside it a file of SQL for each engine that is to run it: `NAME.sql` for DuckDB, `NAME.athena.sql`
 * for Athena. `lambdas/reports/report-sql.ts` documents the statements of the files. Use `dailyReport` or `snapshotReport`: they check the fields against the event type.
 */
interface Definition {
  /** Lower-case words joined by dashes: the name in routes, commands, object keys and of the SQL file. */
  readonly name: string
  /** One sentence for the docs. */
  readonly about: string
  /** The type of the events that the report reads. */
  readonly eventType: EventType
  /** The fields that the SQL reads. */
  readonly fields: readonly string[]
  /**
   * A field that no event of the type has as null, and that the type has always had. Archive objects without a value in its
   * column are not read.
   */
  readonly requiredField: string
  /**
   * For programs that read the CSV: texts are written as they are, without a byte order mark. By default the CSV is for spreadsheets: a
   * text that begins like a formula gets an apostrophe. Parquet is always exact.
   */
  readonly rawCsv?: true
}

/** A query over the archive that is published for each UTC day, and again when more events of the day have arrived. */
export interface DailyReport extends Definition {
  readonly kind: 'daily'
  /** What gives the day of an event: its event time, or a field with seconds since 1970. */
  readonly day: 'event_time' | { readonly field: string }
  /** The first table is the default. */
  readonly tables: readonly ReportTable[]
  /** The measure that the console draws by day, and its unit. */
  readonly chart?: { readonly column: string; readonly unit: string }
}

/** A query over all events with an event time before an instant, whenever they arrived. */
export interface SnapshotReport extends Definition {
  readonly kind: 'snapshot'
  /** The schedule runs the report for each full hour of the UTC day that is a multiple of this number. */
  readonly everyHours: number
  /** Rows in each published object; the last object may have fewer. */
  readonly rowsPerPart: number
  /** In the published order. */
  readonly columns: readonly ReportColumn[]
  readonly order: RowOrder
}

type FieldOf<Data> = keyof Data & string
type RequiredFieldOf<Data> = { [F in FieldOf<Data>]: null extends Data[F] ? never : F }[FieldOf<Data>]
type NumberFieldOf<Data> = { [F in FieldOf<Data>]: Data[F] extends number | null ? F : never }[FieldOf<Data>]

/** The fields of a definition, checked against the rows of its event type. */
interface FieldsOf<Data> {
  readonly eventType: EventType<Data>
  readonly fields: readonly FieldOf<Data>[]
  readonly requiredField: RequiredFieldOf<Data>
}

interface DayOf<Data> {
  readonly day: 'event_time' | { readonly field: NumberFieldOf<Data> }
}

export const dailyReport = <Data>(definition: Omit<DailyReport, 'kind'> & FieldsOf<Data> & DayOf<Data>): DailyReport => ({
  ...definition,
  kind: 'daily',
})

export const snapshotReport = <Data>(definition: Omit<SnapshotReport, 'kind'> & FieldsOf<Data>): SnapshotReport => ({
  ...definition,
  kind: 'snapshot',
})

export type Report = DailyReport | SnapshotReport

/** What computes the reports of a stage. */
export type EngineName = 'duckdb' | 'athena'

/** The name of a report's file of SQL for an engine. */
export const sqlFile = ({ name }: Pick<Report, 'name'>, engine: EngineName): string =>
  `${name}${engine === 'duckdb' ? '' : `.${engine}`}.sql`

export type ReportFormat = 'parquet' | 'csv'

/** One row of a published report in the API: values by column name. Days and instants are text. */
export type ReportRow = Readonly<Record<string, string | number | null>>

export interface Publication {
  /** The UTC day, `YYYY-MM-DD`, or the instant, RFC 3339 in UTC. */
  readonly period: string
  /** The id of the run that published it. */
  readonly run: string
}

/** Prefix of all objects that a report has published. */
export const reportPrefix = (report: string): string => `${REPORTS_PREFIX}${report}/`

/**
 * Prefix below which Athena stores what a function then reads and deletes: rows of reports that are not published yet, and results of
 * queries. What a run leaves when it is stopped expires.
 */
export const ATHENA_PREFIX = 'athena/'

/** Prefix of the rows of one result that a run has computed. */
export const unloadPrefix = (report: string, run: string, result: string): string =>
  `${ATHENA_PREFIX}${report}/${run}/${result.replaceAll(' ', '-')}/`

/**
 * Prefix of the objects that one run published of one table in one format. It contains no `name=value`, because readers that
 * detect Hive partitions would add a column.
 */
export const publishedPrefix = (report: string, run: string, by: string, format: ReportFormat): string =>
  `${reportPrefix(report)}${run}/${format === 'parquet' ? '' : `${format}/`}by_${by}/`

/** Key of the object of one day, `YYYY-MM-DD`. */
export const publishedKey = (report: string, run: string, by: string, format: ReportFormat, date: string): string =>
  `${publishedPrefix(report, run, by, format)}${date}.${format}`

/** Prefix of the objects that one run of a snapshot report published in one format. */
export const partsPrefix = (report: string, run: string, format: ReportFormat): string =>
  `${reportPrefix(report)}${run}/${format}/`

/** Key of one part, counted from 0. The keys sort in the order of the rows. */
export const partKey = (report: string, run: string, format: ReportFormat, part: number): string =>
  `${partsPrefix(report, run, format)}${String(part).padStart(5, '0')}.${format}`

const RUN = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-[0-9a-f]{8}$/

/** Id of a run: its start to the millisecond, so that runs sort by time, and 8 random hexadecimal digits. */
export const runId = (now: number, random: string): string => `${new Date(now).toISOString().replace(/[-:.]/g, '')}-${random}`

export const isRunId = (text: string): boolean => RUN.test(text)

/** The start of a run in milliseconds since 1970. */
export const runStart = (run: string): number => Date.parse(run.replace(RUN, '$1-$2-$3T$4:$5:$6.$7Z'))

/**
 * The newest publication of a snapshot report. A run for an instant in the future counts as of its own start: it contains no
 * later events, and it must not be newer than every later run.
 */
export function newestSnapshot<P extends Publication>(published: readonly P[]): P | undefined {
  return published.reduce<P | undefined>((newest, one) => (newest && asOf(newest) >= asOf(one) ? newest : one), undefined)
}

function asOf({ period, run }: Publication): bigint {
  const [instant, start] = [parseInstant(period) ?? 0n, millisToMicros(runStart(run))]
  return instant < start ? instant : start
}
