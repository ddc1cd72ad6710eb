import { ConditionalCheckFailedException, DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { Attributes } from '../../lambdas/dynamodb.ts'
import { revokeKeys } from '../../lambdas/keys/dynamodb-admin.ts'
import { toKeyItem } from '../../lambdas/keys/dynamodb-items.ts'
import { spentMarks } from '../../lambdas/keys/dynamodb-use.ts'
import { planKey } from '../../lambdas/keys/plan-key.ts'
import { meets, updated } from '../fakes/expressions.ts'

/** A table in memory. Each update loses its first response, so that the SDK sends it again. */
function losingTable(key: string, stored: readonly Attributes[] = []) {
  const items = new Map(stored.map(item => [item[key]?.S ?? '', item]))
  const update = ({ input }: UpdateItemCommand): object => {
    const { Key = {}, ConditionExpression, UpdateExpression = '' } = input
    const id = Key[key]?.S ?? ''
    const item = items.get(id)
    if (!meets(ConditionExpression, item, input)) {
      const isWanted = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD'
      throw new ConditionalCheckFailedException({ message: '', $metadata: {}, ...(item && isWanted && { Item: item }) })
    }
    items.set(id, updated(UpdateExpression, item ?? Key, input))
    return {}
  }
  const send = async (command: unknown): Promise<object> => {
    if (command instanceof ScanCommand) return { Items: [...items.values()] }
    if (!(command instanceof UpdateItemCommand)) throw new Error('The table in memory has only scans and updates.')
    update(command)
    return update(command)
  }
  const client: DynamoDBClient = Object.assign(new DynamoDBClient({ region: 'none' }), { send })
  return { client, items }
}

test('every key of a name is revoked, although the responses were lost', async () => {
  const keys = ['a', 'b'].map(text => planKey({ name: 'web', scope: 'client', text, created: 0 }, []))
  const { client, items } = losingTable('hash', keys.map(toKeyItem))
  const revoked = await revokeKeys({ client, table: 'keys' }, 'web')
  expect(revoked.map(({ id }) => id)).toEqual(keys.map(({ id }) => id))
  expect([...items.values()].map(({ revoked }) => revoked?.S)).toEqual([expect.any(String), expect.any(String)])
})

test('the first to mark a spent quota knows that it was, although the response was lost', async () => {
  const { client } = losingTable('id')
  const marks = spentMarks('use', client)
  expect(await marks.markSpent('k', '2026-01-31')).toBe(true)
  expect(await marks.markSpent('k', '2026-01-31')).toBe(false)
})
