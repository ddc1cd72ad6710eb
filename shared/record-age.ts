/** The greatest record age that Lambda allows for a reader of a stream, whatever the retention of the stream: 604,800 seconds. */
export const MAX_RECORD_AGE_HOURS = 7 * 24
/** Retention of a table's stream; DynamoDB fixes it. */
export const TABLE_STREAM_HOURS = 24

/**
 * How long after its arrival an event can still be delivered, through the event stream and then through the table's stream. What is
 * stored until then does not count with `stream.retention`: if that is raised, records that wait are delivered after what was
 * stored under the shorter one has expired.
 */
export const MAX_DELIVERY_MS = (MAX_RECORD_AGE_HOURS + TABLE_STREAM_HOURS) * 3_600_000
