import { dateTime, defineEvent, integer, nullable, text } from '../event-type.ts'
import { parseInstant } from '../time.ts'

export const appAction = defineEvent({
  name: 'app_action',
  about: 'A user did something in an app.',
  fields: {
    user_id: integer(),
    app_name: text(),
    event_action: nullable(text()),
    event_category: text(),
    event_value: nullable(integer()),
    event_time: nullable(dateTime()),
  },
  user: row => String(row.user_id),
  time: row => (row.event_time === null ? undefined : parseInstant(`${row.event_time}Z`)),
})
