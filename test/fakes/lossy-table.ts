import { ConditionalCheckFailedException, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Attributes } from '../../lambdas/dynamodb.ts'
import { meets } from './expressions.ts'

/** A table in memory with one key attribute. `loseResponse` makes the next put lose its response, so that the SDK sends it again. */
export function lossyTable(key: string) {
  const items = new Map<string, Attributes>()
  let isLost = false
  const put = ({ input }: PutItemCommand): object => {
    const { Item = {}, ConditionExpression } = input
    const stored = items.get(Item[key]?.S ?? '')
    if (!meets(ConditionExpression, stored, input)) {
      const isWanted = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD'
      throw new ConditionalCheckFailedException({
        message: 'condition',
        $metadata: {},
        ...(stored && isWanted && { Item: stored }),
      })
    }
    items.set(Item[key]?.S ?? '', Item)
    return {}
  }
  const send = async (command: unknown): Promise<object> => {
    if (command instanceof GetItemCommand) {
      const Item = items.get(command.input.Key?.[key]?.S ?? '')
      return Item ? { Item } : {}
    }
    if (!(command instanceof PutItemCommand)) throw new Error('The table in memory has only gets and puts.')
    if (isLost) put(command)
    isLost = false
    return put(command)
  }
  const client: DynamoDBClient = Object.assign(new DynamoDBClient({ region: 'none' }), { send })
  return {
    client,
    loseResponse: () => {
      isLost = true
    },
  }
}
