import type { DailyReport, ReportColumn } from '../report.ts'

const date: ReportColumn = { name: 'date', type: 'date', about: 'UTC day of the reading.' }

const measures: readonly ReportColumn[] = [
  { name: 'num_events', type: 'bigint', about: 'Distinct readings that have a duration.' },
  { name: 'kept', type: 'bigint', about: 'Those within three sigma of the mean.' },
  { name: 'mean', type: 'double', about: 'Mean duration before the cut.' },
  { name: 'stddev', type: 'double', about: 'Sample standard deviation before the cut.' },
  { name: 'event_duration_p95', type: 'double', about: '95th percentile of the kept, interpolated linearly (R-7).' },
]

const by = (name: string, dimension: string, about: string) => ({
  by: name,
  dimension,
  columns: [date, { name: dimension, type: 'string', about } as const, ...measures],
})

/** The rules, such as how many events a group needs, are in lambdas/reports/duration-p95.sql. */
export const durationP95: DailyReport = {
  name: 'duration-p95',
  about: 'The 95th percentile of event_duration without outliers, by day and by device type or device.',
  kind: 'daily',
  tables: [by('type', 'device_type', 'Type of the devices.'), by('device', 'device_id', 'The device.')],
}
