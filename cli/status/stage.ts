import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type StateTable, stateTable } from '../../lambdas/state/dynamodb.ts'
import { dynamoDbOperations } from '../../lambdas/state/dynamodb-operations.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { NONE } from '../../shared/environment.ts'
import { projectionKey } from '../../shared/projection.ts'
import { parseRawEventTypes } from '../../shared/raw-events.ts'
import type { PartItem, UserItem } from '../../shared/state.ts'
import { dynamodbOf, kinesisOf, s3Of, searchOf } from '../clients.ts'
import { quarantineStoresOf, scanQuarantine } from '../quarantine/scan.ts'
import type { Target } from '../target.ts'
import { recentArchive } from './archive.ts'
import { readAlarms, readMetrics } from './cloudwatch.ts'
import { countDocuments, countMissing } from './documents.ts'
import type { StateFacts, StreamFacts } from './facts.ts'
import { arrivalsAt, deltasAreMerged, type Newest, type StageStatus, stageStatus } from './plan-stage.ts'
import { rejectedDocuments } from './quarantined.ts'
import { countFolded, expectedDocuments } from './settled.ts'
import { withPages } from './state.ts'
import { streamCollector } from './stream-facts.ts'
import { type Arrivals, type Clock, type StreamTail, tailReader } from './stream-tail.ts'

/**
 * Returns a function that reads the status of a deployed stage: what the parts write down about themselves, and in every store the
 * newest events that arrived until now. Reading all events would take the product's share of the stream, and hours.
 */
export async function stageStatusReader(target: Target, stack: string, clock: Clock): Promise<() => Promise<StageStatus>> {
  const { outputs } = target
  const cloudwatch = new CloudWatchClient(target.aws)
  const dynamodb = dynamodbOf(target)
  const search = await searchOf(target)
  const arrivals = arrivalsAt(clock.now(), await readMetrics(cloudwatch, stack, clock.now()))
  const readTail = tailReader(kinesisOf(target, 1), outputs.StreamName, arrivals, clock)
  const readArchive = recentArchive(s3Of(target), outputs.ArchiveBucket, arrivals.from)
  const rawEvents = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    isOn: parseRawEventTypes(search ? outputs.RawEventTypes : NONE),
    retentionDays: Number(outputs.RawEventDays),
  }
  return async () => {
    const tail = await readTail()
    const stream = factsOf(tail, streamCollector(rawEvents))
    const archived = await readArchive(clock.now())
    const quarantined = await scanQuarantine(quarantineStoresOf(target))
    const state = await readStateOf(dynamodb, outputs.StateTable, stream, tail.shards)
    const rejected = rejectedDocuments(quarantined)
    const newest: Newest = {
      ...asText(arrivals),
      streamRead: tail.isComplete,
      events: stream.deliveries.size,
      folded: countFolded(stream, new Set(), state),
      archived: [...stream.deliveries.keys()].filter(identity => archived.has(identity)).length,
      windowsMerged: deltasAreMerged(state.users.values(), state.parts, projections),
      documentsMissing: search
        ? await countMissing(search, expectedDocuments(state, projections, rejected), rawOf(stream), rejected)
        : 0,
    }
    return stageStatus({
      metrics: await readMetrics(cloudwatch, stack, clock.now()),
      newest,
      documents: search ? await countDocuments(search, projections) : 0,
      quarantined: quarantined.length,
      alarms: await readAlarms(cloudwatch, stack),
    })
  }
}

const asText = ({ from, to }: Arrivals) => ({ from: new Date(from).toISOString(), to: new Date(to).toISOString() })

function factsOf({ records }: StreamTail, collector: ReturnType<typeof streamCollector>): StreamFacts {
  for (const { shard, record } of records) collector.add(shard, record)
  return collector.facts
}

const rawOf = ({ deliveries }: StreamFacts) => [...deliveries.values()].flatMap(({ raw }) => raw ?? [])

/** The part of the state table that the newest events changed: their users' items, the windows of these, and the positions of shards. */
async function readStateOf(
  client: DynamoDBClient,
  name: string,
  { deliveries }: StreamFacts,
  shards: readonly string[],
): Promise<StateFacts> {
  const table = stateTable(name, dynamoDbOperations(client))
  const users = new Map<string, UserItem>()
  const names = new Set([...deliveries.values()].flatMap(({ user }) => user ?? []))
  for (const [user, item] of await table.readUsers([...names])) if (item) users.set(user, item)
  return {
    users,
    parts: await readPartsOf(table, [...users.values()]),
    passed: await table.readProgress(shards),
    firstFolded: new Map(),
  }
}

/** The windows that the last writes of these users add to, each with all items of its document. */
async function readPartsOf(table: StateTable, users: readonly UserItem[]): Promise<PartItem[]> {
  const byKey = new Map(projections.map(projection => [projectionKey(projection), projection]))
  const parts = new Map<string, Promise<readonly PartItem[]>>()
  for (const { user, outbox } of users)
    for (const { projection: key, start } of outbox) {
      const projection = byKey.get(key)
      const grain = projection?.grain.parts
      if (!grain) continue
      const address = grain.addressOf(projection, user, start)
      const siblings = grain.siblings(address)
      const text = JSON.stringify(siblings ?? grain.itemKey(address))
      const read = (): Promise<readonly PartItem[]> =>
        siblings ? table.partsBelow(siblings) : table.readPart(grain.itemKey(address)).then(item => (item ? [item] : []))
      if (!parts.has(text)) parts.set(text, read())
    }
  const items = (await Promise.all(parts.values())).flat()
  return Promise.all(items.map(item => withPages(item, table)))
}
