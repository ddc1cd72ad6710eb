const DAY_MS = 86_400_000

/**
 * When DynamoDB may delete what is stored about a record, in epoch seconds: a day after the streams can no longer deliver it
 * again. `now` is in milliseconds since 1970.
 */
export const redeliveryExpiry = (now: number, retentionMs: number): number => Math.ceil((now + retentionMs + DAY_MS) / 1000)
