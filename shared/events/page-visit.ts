import { defineEvent, integer, text } from '../event-type.ts'
import { MAX_URL_CHARACTERS } from '../limits.ts'
import { secondsToMicros } from '../time.ts'

export const pageVisit = defineEvent({
  name: 'page_visit',
  about: 'A user opened a page.',
  fields: { Id: integer(), Url: text(MAX_URL_CHARACTERS), Timestamp: integer() },
  user: row => String(row.Id),
  time: row => secondsToMicros(row.Timestamp),
})
