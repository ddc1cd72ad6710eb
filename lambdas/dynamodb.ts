import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'

/** An item, or part of one, as DynamoDB's API takes and returns it. */
export type Attributes = Record<string, AttributeValue>

/** Waits for a conditional write. Returns false if its condition failed: nothing was written. */
export async function conditionHeld(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}
