import { defineEvent, integer, text } from '../event-type.ts'
import { secondsToMicros } from '../time.ts'

export const pageVisit = defineEvent({
  name: 'page_visit',
  about: 'A user opened a page.',
  fields: { Id: integer(), Url: text(), Timestamp: integer() },
  user: row => String(row.Id),
  time: row => secondsToMicros(row.Timestamp),
})
