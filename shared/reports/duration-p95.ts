import { reading } from '../events/reading.ts'
import { dailyReport, type ReportColumn } from '../report.ts'

const date: ReportColumn = { name: 'date', type: 'date', about: 'UTC day of the readings.' }

const measures: readonly ReportColumn[] = [
  { name: 'num_events', type: 'bigint', about: 'Distinct readings with a duration.' },
  { name: 'kept', type: 'bigint', about: 'Readings within three standard deviations of the mean.' },
  { name: 'mean', type: 'double', about: 'Mean duration of all readings, outliers included.' },
  { name: 'stddev', type: 'double', about: 'Sample standard deviation of all readings, outliers included.' },
  { name: 'event_duration_p95', type: 'double', about: '95th percentile of the kept readings, interpolated linearly (R-7).' },
]

const by = (name: string, dimension: string, about: string) => ({
  by: name,
  dimension,
  columns: [date, { name: dimension, type: 'string', about } as const, ...measures],
  order: ['date', dimension] as const,
})

/** duration-p95.sql has the rules, such as how many events a group needs. */
export const durationP95 = dailyReport({
  name: 'duration-p95',
  about: 'The 95th percentile of event_duration without outliers, by day and by device type or device.',
  eventType: reading,
  fields: ['device_id', 'device_type', 'event_duration'],
  requiredField: 'timestamp',
  day: { field: 'timestamp' },
  tables: [by('type', 'device_type', 'Type of device.'), by('device', 'device_id', 'The device.')],
  chart: { column: 'event_duration_p95', unit: 's' },
})
