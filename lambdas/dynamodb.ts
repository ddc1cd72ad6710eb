import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'

/** An item of DynamoDB, or part of one, in the format of its API. */
export type Attributes = Record<string, AttributeValue>

/** Waits for a conditional write. Returns false if its condition failed: then nothing was written. */
export async function conditionHeld(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}
