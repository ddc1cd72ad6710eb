const DAY_MS = 86_400_000

/**
 * When DynamoDB may delete what is stored about a record, in epoch seconds: a day after the streams can no longer deliver it
 * again. `now` is in milliseconds since 1970.
 */
export const redeliveryExpiry = (now: number, retentionMs: number): number => Math.ceil((now + retentionMs + DAY_MS) / 1000)

/** As long as the quarantine keeps an event, 90 days, and the week that DynamoDB may take to delete an item. */
const PENDING_DAYS = 90 + 7

/**
 * When DynamoDB may delete an event that may have to be quarantined still, in epoch seconds. It is the only copy, and the
 * quarantine may be down for longer than the streams deliver its record: a failed batch then waits in a bucket.
 */
export const pendingExpiry = (now: number): number => Math.ceil((now + PENDING_DAYS * DAY_MS) / 1000)
