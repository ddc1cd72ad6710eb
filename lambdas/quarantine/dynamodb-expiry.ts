import type { Attributes } from '../dynamodb.ts'

/** Whether an item has expired. DynamoDB deletes it some days later. `now` is in milliseconds since 1970. */
export const isExpired = ({ ttl }: Attributes, now: number): boolean => ttl?.N !== undefined && Number(ttl.N) * 1000 <= now
