import { isDeepStrictEqual } from 'node:util'
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb'

/** An item of DynamoDB, or part of one, in the format of its API. */
export type Attributes = Record<string, AttributeValue>

/** A conditional write that was refused, and the item that it found, if there is one. */
export interface RefusedWrite {
  readonly item: Attributes | undefined
}

/**
 * Waits for a conditional write with `ReturnValuesOnConditionCheckFailure: 'ALL_OLD'`. Returns undefined if its condition held. It may
 * also be refused because the SDK sent it again after a lost response: then the item is what it wrote.
 */
export async function refusedWrite(write: Promise<unknown>): Promise<RefusedWrite | undefined> {
  try {
    await write
    return undefined
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return { item: error.Item }
    throw error
  }
}

/** Waits for a conditional write. Returns false if its condition failed: then nothing was written. */
export async function conditionHeld(write: Promise<unknown>): Promise<boolean> {
  return (await refusedWrite(write)) === undefined
}

/**
 * Puts an item under a condition. Returns true also if the item is stored already: the SDK sends a put again whose response was lost.
 * Returns false if another item is stored.
 */
export async function putOrFound(client: DynamoDBClient, put: PutItemCommandInput): Promise<boolean> {
  const refused = await refusedWrite(client.send(new PutItemCommand({ ...put, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })))
  return refused === undefined || isDeepStrictEqual(refused.item, put.Item)
}
