import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import pLimit from 'p-limit'
import { conditionHeld } from '../../lambdas/dynamodb.ts'
import { itemKeyOf, keyAttributes, readUserItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { projections } from '../../shared/catalogue.ts'
import { parseKey, standingOf } from '../../shared/revisions.ts'
import type { UserItem } from '../../shared/state.ts'
import { UserError } from '../../shared/user-error.ts'
import { dynamodbOf, searchOf } from '../clients.ts'
import { confirmed } from '../confirm.ts'
import type { Target } from '../target.ts'
import { projectionsIn, readGone, type StoredProjection } from './stored.ts'

const CALLS_AT_ONCE = 16
/** The state function may write back a state that it had read before it was removed. */
const MAX_PASSES = 5

/** Deletes what a stage stores of a removed projection, or of earlier revisions of one, after the user has confirmed it. */
export async function removeStored(target: Target, name: string, isConfirmed: boolean): Promise<StoredProjection[]> {
  const gone = (await readGone(target)).filter(({ projection }) => isOf(name)(projection))
  if (gone.length === 0) throw new UserError(nothingToRemove(target, name))
  const question = `Delete of ${target.name}: ${gone.map(described).join('; ')}? A roll-back to it would begin empty.`
  if (!isConfirmed && !(await confirmed(question))) throw new UserError('Nothing was deleted.')
  const keys = new Set(gone.map(({ projection }) => projection))
  await deleteIndices(target, keys)
  await deleteItems(target, keys)
  return gone
}

const isOf = (name: string) => (key: string) => key === name || parseKey(key).name === name

function nothingToRemove({ name: stage, outputs }: Target, name: string): string {
  const running = outputs.Projections.split(',').filter(isOf(name))
  const removable = running.filter(key => standingOf(key, projections) !== 'known')
  if (removable.length > 0)
    return `The functions of ${stage} still have ${removable.join(', ')}: deploy the catalogue without it first.`
  return running.length > 0
    ? `There is nothing to delete: ${name} is in the catalogue, and ${stage} stores no earlier revision of it.`
    : `There is nothing to delete: ${stage} stores no removed projection ${name}. See \`npx millrace catalogue\`.`
}

const described = ({ projection, documents, states, windows }: StoredProjection): string =>
  `${projection} with ${documents ?? 0} documents, ${states} states of users and ${windows} items of windows`

/** Deletes the indices with their aliases, and the templates that would create them again. */
async function deleteIndices(target: Target, keys: ReadonlySet<string>): Promise<void> {
  const search = await searchOf(target)
  if (!search) return
  for (const name of keys) {
    await search.indices.delete({ index: name }, { ignore: [404] })
    await search.indices.deleteIndexTemplate({ name }, { ignore: [404] })
  }
}

/** Deletes states and windows until none is left. */
async function deleteItems(target: Target, keys: ReadonlySet<string>): Promise<void> {
  const client = dynamodbOf(target)
  const table = target.outputs.StateTable
  for (let pass = 1; pass <= MAX_PASSES; pass += 1) if ((await deleteFound(client, table, keys)) === 0) return
  throw new UserError(
    'The state function still writes states that are to be removed. Wait until it runs the deployed code, then run this again.',
  )
}

/** Returns the number of items that had a state. */
async function deleteFound(client: DynamoDBClient, table: string, keys: ReadonlySet<string>): Promise<number> {
  const limit = pLimit(CALLS_AT_ONCE)
  let found = 0
  for await (const { Items = [] } of paginateScan({ client }, { TableName: table, ConsistentRead: true })) {
    const changes = Items.flatMap(item => changeOf(client, table, item, keys) ?? [])
    found += changes.length
    await Promise.all(changes.map(change => limit(change)))
  }
  return found
}

function changeOf(
  client: DynamoDBClient,
  TableName: string,
  item: Record<string, AttributeValue>,
  keys: ReadonlySet<string>,
): (() => Promise<unknown>) | undefined {
  const { states, part } = projectionsIn(item)
  const Key = keyAttributes(itemKeyOf(item))
  if (part !== undefined && keys.has(part)) return () => client.send(new DeleteItemCommand({ TableName, Key }))
  if (!states.some(key => keys.has(key))) return undefined
  const user = readUserItem(item)
  const put = new PutItemCommand({
    TableName,
    Item: userAttributes(withoutStates(user, keys)),
    // A write of the state function meanwhile has a greater version. The next pass finds its item.
    ConditionExpression: 'version = :read',
    ExpressionAttributeValues: { ':read': { N: String(user.version) } },
  })
  return () => conditionHeld(client.send(put))
}

/**
 * The item without some states. Its last write was long ago, perhaps: the windows function must not get the deltas of it again, because
 * their windows may have expired.
 */
export const withoutStates = (user: UserItem, keys: ReadonlySet<string>): UserItem => ({
  ...user,
  states: Object.fromEntries(Object.entries(user.states).filter(([key]) => !keys.has(key))),
  outbox: [],
})
