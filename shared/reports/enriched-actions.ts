import { appAction } from '../events/app-action.ts'
import { snapshotReport } from '../report.ts'

const EVERY_HOURS = 3

/** enriched-actions.sql computes the columns. */
export const enrichedActions = snapshotReport({
  name: 'enriched-actions',
  about: 'Every app_action before an instant, once, with the recent count and the most frequent action of its user.',
  eventType: appAction,
  fields: ['user_id', 'app_name', 'event_action', 'event_category', 'event_value'],
  requiredField: 'user_id',
  everyHours: EVERY_HOURS,
  rowsPerPart: 1_000_000,
  // Two events may have the same id, of other sources or users.
  order: ['event_time', 'event_id', 'source', 'subject'],
  columns: [
    { name: 'event_time', type: 'timestamp', about: 'Time of the event in UTC, to the microsecond. Rows are sorted by it.' },
    { name: 'user_id', type: 'bigint', about: 'The user.' },
    { name: 'app_name', type: 'string', about: 'The app.' },
    { name: 'event_action', type: 'string', about: 'What the user did, or null.' },
    { name: 'event_category', type: 'string', about: 'Category of the action.' },
    { name: 'event_value', type: 'bigint', about: 'Value of the action, or null.' },
    { name: 'u_count', type: 'bigint', about: `Events of this user in the ${EVERY_HOURS} hours before the instant.` },
    { name: 'u_mp_ea', type: 'string', about: 'Most frequent action of this user before the instant, or null.' },
    { name: 'event_id', type: 'string', about: 'Id of the event.' },
  ],
})
