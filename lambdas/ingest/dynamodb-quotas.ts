import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { SafeError } from '../../shared/safe-error.ts'
import type { Attributes } from '../dynamodb.ts'
import type { Lease, QuotaStore } from './key-quotas.ts'
import { followed, isGranted, type LeaseRequest, type Totals } from './plan-lease.ts'
import type { Amount } from './quota-amount.ts'

/** A healthy call takes some milliseconds. A request that waits longer is accepted without a check. */
const TIMEOUT_MS = 1_000
/** The first leases of a minute compete: one begins the minute, and the others add to it. */
const MAX_ATTEMPTS = 5

/** The leases of all environments, in one item for each key. */
export function quotaStore(table: string, client = new DynamoDBClient({}), timeoutMs = TIMEOUT_MS): QuotaStore {
  return {
    async lease(keyId, request) {
      const abortSignal = AbortSignal.timeout(timeoutMs)
      const write = async (update: Update): Promise<Attributes | 'written'> => {
        try {
          await client.send(new UpdateItemCommand({ TableName: table, Key: { id: { S: keyId } }, ...update }), { abortSignal })
          return 'written'
        } catch (error) {
          if (error instanceof ConditionalCheckFailedException) return error.Item ?? {}
          throw error
        }
      }
      let asked = request
      let update = addTo(asked)
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const found = await write(update)
        if (found === 'written') return { granted: true, request: asked }
        const totals = totalsIn(found)
        asked = (totals && followed(request, totals)) ?? request
        const refused = refusedBy(asked, totals)
        if (refused) return refused
        update = totals?.minute === asked.minute && totals.day === asked.day ? addTo(asked) : begin(asked, totals)
      }
      throw new SafeError(`Other environments changed the quota of a key in each of ${MAX_ATTEMPTS} attempts.`)
    },
  }
}

const refusedBy = (request: LeaseRequest, totals: Totals | undefined): Lease | undefined =>
  isGranted(request, totals)
    ? undefined
    : {
        granted: false,
        totals: totals ?? { minute: request.minute, day: request.day, leased: NONE, used: NONE, usedInDay: NONE },
      }

const NONE: Amount = { events: 0, bytes: 0 }

type Update = Pick<
  ConstructorParameters<typeof UpdateItemCommand>[0],
  | 'UpdateExpression'
  | 'ConditionExpression'
  | 'ExpressionAttributeNames'
  | 'ExpressionAttributeValues'
  | 'ReturnValuesOnConditionCheckFailure'
>

const number = (value: number) => ({ N: String(value) })
const NAMES = { '#minute': 'minute', '#day': 'day' }

/** Adds to the minute and the day that the item has, if there is room. */
const addTo = ({ minute, day, lease, used, usedInDay, most }: LeaseRequest): Update => ({
  UpdateExpression:
    'ADD leasedEvents :leasedEvents, leasedBytes :leasedBytes, usedEvents :usedEvents, usedBytes :usedBytes, dayEvents :dayEvents, dayBytes :dayBytes',
  ConditionExpression:
    '#minute = :minute AND #day = :day AND leasedEvents <= :mostLeasedEvents AND leasedBytes <= :mostLeasedBytes AND usedEvents <= :mostUsedEvents AND usedBytes <= :mostUsedBytes AND dayEvents <= :mostDayEvents AND dayBytes <= :mostDayBytes',
  ExpressionAttributeNames: NAMES,
  ExpressionAttributeValues: {
    ':minute': number(minute),
    ':day': number(day),
    ...pair('leased', lease),
    ...pair('used', used),
    ...pair('day', usedInDay),
    ...pair('mostLeased', most.leased),
    ...pair('mostUsed', most.used),
    ...pair('mostDay', most.usedInDay),
  },
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
})

const pair = (name: string, { events, bytes }: Amount): Attributes => ({
  [`:${name}Events`]: number(events),
  [`:${name}Bytes`]: number(bytes),
})

/** Begins a minute, and a day if it is another one, unless another environment has begun it meanwhile. */
function begin({ minute, day, lease, used, usedInDay }: LeaseRequest, before: Totals | undefined): Update {
  const inDay =
    before?.day === day
      ? 'dayEvents = dayEvents + :dayEvents, dayBytes = dayBytes + :dayBytes'
      : 'dayEvents = :dayEvents, dayBytes = :dayBytes'
  return {
    UpdateExpression: `SET #minute = :minute, #day = :day, leasedEvents = :leasedEvents, leasedBytes = :leasedBytes, usedEvents = :usedEvents, usedBytes = :usedBytes, ${inDay}`,
    ConditionExpression: before ? '#minute = :oldMinute AND #day = :oldDay' : 'attribute_not_exists(#minute)',
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: {
      ':minute': number(minute),
      ':day': number(day),
      ...pair('leased', lease),
      ...pair('used', used),
      ...pair('day', usedInDay),
      ...(before && { ':oldMinute': number(before.minute), ':oldDay': number(before.day) }),
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }
}

/** Undefined if no quota of the key was ever used. */
function totalsIn(item: Attributes): Totals | undefined {
  if (!item['minute']) return undefined
  const amount = (name: string): Amount => ({ events: Number(item[`${name}Events`]?.N), bytes: Number(item[`${name}Bytes`]?.N) })
  return {
    minute: Number(item['minute'].N),
    day: Number(item['day']?.N),
    leased: amount('leased'),
    used: amount('used'),
    usedInDay: amount('day'),
  }
}
