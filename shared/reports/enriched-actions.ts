import type { SnapshotReport } from '../report.ts'

/** How the columns are worked out is in lambdas/reports/enriched-actions.sql. */
export const enrichedActions: SnapshotReport = {
  name: 'enriched-actions',
  about: 'Every app_action before an instant, once, with what its user did lately and does most often.',
  kind: 'snapshot',
  everyHours: 3,
  rowsPerPart: 1_000_000,
  columns: [
    { name: 'event_time', type: 'timestamp', about: 'When it happened, to the microsecond, in UTC; rows are ordered by it.' },
    { name: 'user_id', type: 'bigint', about: 'The user.' },
    { name: 'app_name', type: 'string', about: 'The app.' },
    { name: 'event_action', type: 'string', about: 'What the user did; may be null.' },
    { name: 'event_category', type: 'string', about: 'Category of the action.' },
    { name: 'event_value', type: 'bigint', about: 'A value that came with it; may be null.' },
    { name: 'u_count', type: 'bigint', about: 'Events of this user in the hours since the run before, up to the instant.' },
    { name: 'u_mp_ea', type: 'string', about: 'The most frequent action of this user before the instant; null without one.' },
    { name: 'event_id', type: 'string', about: 'Id of the event.' },
  ],
}
