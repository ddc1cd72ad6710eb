const KB = 2 ** 10

/** Largest body, as it comes and decoded. */
export const MAX_BODY_BYTES = 4 * 2 ** 20

/** Largest single event, in bytes of UTF-8 as sent. */
export const MAX_EVENT_BYTES = 32 * KB

/** Most events of one request. */
export const MAX_EVENTS_PER_REQUEST = 2500

/** Most elements of one request: what comes behind the events is kept aside one by one, which must end in time. */
export const MAX_ELEMENTS_PER_REQUEST = 4 * MAX_EVENTS_PER_REQUEST

/** Deepest nesting of an event, the event itself included. */
export const MAX_DEPTH = 32

/** Most named fields of an event, at all depths. */
export const MAX_FIELDS = 2000

export const MAX_EVENTS_PER_RECORD = 500

export const MAX_RECORD_BYTES = 256 * 2 ** 10

/** Of one PutRecords call; Kinesis takes 500 records, and 10 MiB. */
export const RECORDS_PER_CALL = 500

export const BYTES_PER_CALL = 4 * 2 ** 20
