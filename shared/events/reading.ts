import { defineEvent, epochSeconds, nullable, number, text } from '../event-type.ts'
import { secondsToMicros } from '../time.ts'

export const reading = defineEvent({
  name: 'reading',
  about: 'A device reported a measurement.',
  fields: {
    device_id: text(),
    device_type: nullable(text()),
    timestamp: epochSeconds(),
    temperature: nullable(number()),
    event_duration: nullable(number()),
    status: nullable(text()),
  },
  user: row => row.device_id,
  time: row => secondsToMicros(row.timestamp),
})
