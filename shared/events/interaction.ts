import { defineEvent, nullable, text } from '../event-type.ts'

/** The ids of the known pairs of type and value. Other pairs have no id. */
const eventIds: ReadonlyMap<string, ReadonlyMap<string | null, string>> = new Map([
  [
    'pageview',
    new Map([
      ['homepage', 'h'],
      ['about', 'a'],
      ['checkout', 'c'],
    ]),
  ],
  [
    'engagement',
    new Map([
      ['click', 'c'],
      ['scroll', 's'],
      ['hover', 'h'],
    ]),
  ],
])

export const interaction = defineEvent({
  name: 'interaction',
  about: 'An anonymous visitor interacted with a page.',
  fields: { eventType: text(), eventValue: nullable(text()) },
  added: { eventId: nullable(text()) },
  user: null,
  conform: row => ({ ...row, eventId: eventIds.get(row.eventType)?.get(row.eventValue) ?? null }),
  receipt: ({ eventType, eventValue, eventId }) => [eventType, eventValue, eventId],
})
