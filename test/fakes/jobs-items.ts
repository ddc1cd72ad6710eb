import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import type { Attributes } from '../../lambdas/dynamodb.ts'

interface Command {
  readonly constructor: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: the input of any of several commands
  readonly input: any
}

/**
 * The table of jobs in memory: `send` of a client that implements the calls that jobs make. `losesResponse`: whether a put loses its
 * response, so that the SDK sends it again.
 */
export function jobsItems(losesResponse: () => boolean = () => false) {
  const items = new Map<string, Attributes>()
  const keyOf = ({ kind, number }: Attributes): string => `${kind?.S} ${number?.N}`
  const isMet = (condition: string, previous: AttributeValue | undefined, item: Attributes | undefined): boolean => {
    if (condition === 'attribute_not_exists(version)') return item === undefined
    if (condition === 'version = :previous') return item !== undefined && item['version']?.N === previous?.N
    throw new Error(`The jobs in memory do not implement the condition ${condition}.`)
  }
  const put = ({
    Item,
    ConditionExpression,
    ExpressionAttributeValues,
    ReturnValuesOnConditionCheckFailure,
  }: Command['input']): void => {
    const stored = items.get(keyOf(Item))
    if (!isMet(ConditionExpression, ExpressionAttributeValues?.[':previous'], stored))
      throw new ConditionalCheckFailedException({
        message: 'condition',
        $metadata: {},
        ...(stored && ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && { Item: stored }),
      })
    items.set(keyOf(Item), Item)
  }
  return async ({ constructor: { name }, input }: Command): Promise<unknown> => {
    if (name === 'GetItemCommand') return { Item: items.get(keyOf(input.Key)) }
    if (name === 'QueryCommand') {
      const numberOf = ({ number }: Attributes): number => Number(number?.N)
      const ofKind = [...items.values()].filter(({ kind }) => kind?.S === input.ExpressionAttributeValues[':kind'].S)
      return { Items: ofKind.sort((a, b) => numberOf(b) - numberOf(a)).slice(0, input.Limit) }
    }
    if (name !== 'PutItemCommand') throw new Error(`The jobs in memory do not implement ${name}.`)
    put(input)
    if (losesResponse()) put(input)
    return {}
  }
}
