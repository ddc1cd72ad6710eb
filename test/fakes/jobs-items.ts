import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import type { Attributes } from '../../lambdas/dynamodb.ts'

interface Command {
  readonly constructor: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: the input of any of several commands
  readonly input: any
}

/** The table of jobs in memory: `send` of a client that implements the calls that jobs make. */
export function jobsItems() {
  const items = new Map<string, Attributes>()
  const keyOf = ({ kind, number }: Attributes): string => `${kind?.S} ${number?.N}`
  const isMet = (condition: string, previous: AttributeValue | undefined, item: Attributes | undefined): boolean => {
    if (condition === 'attribute_not_exists(version)') return item === undefined
    if (condition === 'version = :previous') return item !== undefined && item['version']?.N === previous?.N
    throw new Error(`The jobs in memory do not implement the condition ${condition}.`)
  }
  return async ({ constructor: { name }, input }: Command): Promise<unknown> => {
    if (name === 'GetItemCommand') return { Item: items.get(keyOf(input.Key)) }
    if (name === 'QueryCommand') {
      const numberOf = ({ number }: Attributes): number => Number(number?.N)
      const ofKind = [...items.values()].filter(({ kind }) => kind?.S === input.ExpressionAttributeValues[':kind'].S)
      return { Items: ofKind.sort((a, b) => numberOf(b) - numberOf(a)).slice(0, input.Limit) }
    }
    if (name !== 'PutItemCommand') throw new Error(`The jobs in memory do not implement ${name}.`)
    const key = keyOf(input.Item)
    if (!isMet(input.ConditionExpression, input.ExpressionAttributeValues?.[':previous'], items.get(key)))
      throw new ConditionalCheckFailedException({ message: 'condition', $metadata: {} })
    items.set(key, input.Item)
    return {}
  }
}
