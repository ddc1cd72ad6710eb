import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { newestSnapshot, type Publication, type Report } from '../../shared/report.ts'
import { formatDay, lastPresent } from '../../shared/time.ts'
import { LONGEST_RUN_MS } from '../archive/scratch.ts'
import { type Attributes, conditionHeld } from '../dynamodb.ts'

/** Which run's objects are published for a day or an instant. */
export interface PublicationItem extends Publication {
  /**
   * Numbers of rows. Of a day, by the table's `by`; a table without rows has no object. Of an instant, by the number of the
   * part.
   */
  readonly rows: Readonly<Record<string, number>>
  /** Of a day: all of its events are from the future, so it is not the newest day. */
  readonly ofFuture?: boolean
}

export type Lock =
  | { readonly state: 'taken' }
  /** Another run holds the lock. It expires at `until` (milliseconds since 1970) at the latest. */
  | { readonly state: 'held'; readonly until: number }
  /** A run of this name has completed. */
  | { readonly state: 'done'; readonly result: unknown }

/** The owner of an older lock is dead. */
export const LOCK_MS = LONGEST_RUN_MS

const PUBLISHED = 'published#'
/** The newest day is nearly always among the first. */
const DAYS_PER_READ = 4
const publishedSortKey = (period: string): string => `${PUBLISHED}${period}`
const UNPUBLISHED = 'unpublished#'
const unpublishedSortKey = (id: string): string => `${UNPUBLISHED}${id}`
const lockSortKey = (name: string): string => `lock#${name}`
/** The item with the time up to which the scheduled runs have reported arrivals. */
const ARRIVALS = 'arrivals'

/** The items of all kinds. The partition key is `report`, the sort key is `run`. */
interface StoredItem {
  readonly report: string
  readonly run: string
  /** Of a lock: its owner, when it expires (milliseconds since 1970), and the result of a completed run as JSON. */
  readonly takenBy?: string
  readonly expires?: number
  readonly answer?: string
  /** Of a publication: the run, and the numbers of rows as JSON. */
  readonly published?: string
  readonly rows?: string
  readonly ofFuture?: boolean
  /** Of the arrivals item: milliseconds since 1970. */
  readonly arrived?: number
  /** Of a note about unpublished objects: milliseconds since 1970. */
  readonly since?: number
}

interface ListOptions {
  /** The greatest sort key. */
  readonly last?: string
  readonly itemsPerPage?: number
}

type Values = Readonly<Record<string, string | number>>

export type ReportsTable = ReturnType<typeof reportsTable>

/** The locks, publications and progress of the reports. A conditional write returns false when its condition failed. */
export function reportsTable(table: string, client = new DynamoDBClient({})) {
  const items = itemsOf(table, client)
  return { ...locks(items), ...publications(items), ...unpublishedNotes(items), ...arrivals(items) }
}

type Items = ReturnType<typeof itemsOf>

/** Reads with strong consistency and writes with a condition. */
const itemsOf = (table: string, client: DynamoDBClient) => ({
  async get(report: string, run: string): Promise<StoredItem | undefined> {
    const key = { TableName: table, Key: marshall({ report, run }) }
    const { Item } = await client.send(new GetItemCommand({ ...key, ConsistentRead: true }))
    return Item && readItem(Item)
  },

  putIf: (item: StoredItem, condition: string, values: Values = {}): Promise<boolean> =>
    conditionHeld(client.send(new PutItemCommand({ TableName: table, Item: marshall(item), ...conditionOf(condition, values) }))),

  removeIf(report: string, run: string, condition: string, values: Values = {}): Promise<boolean> {
    const key = { TableName: table, Key: marshall({ report, run }) }
    return conditionHeld(client.send(new DeleteItemCommand({ ...key, ...conditionOf(condition, values) })))
  },

  /**
   * The items of a report whose sort keys begin with `prefix`, in descending order, from `last` on if it is given. Requests a page only
   * when it is needed.
   */
  async *list(
    report: string,
    prefix: string,
    { last = `${prefix}~`, itemsPerPage }: ListOptions = {},
  ): AsyncGenerator<StoredItem> {
    const query = {
      TableName: table,
      KeyConditionExpression: 'report = :report AND run BETWEEN :prefix AND :last',
      ExpressionAttributeValues: marshall({ ':report': report, ':prefix': prefix, ':last': last }),
      ScanIndexForward: false,
      ConsistentRead: true,
      ...(itemsPerPage !== undefined && { Limit: itemsPerPage }),
    }
    for await (const { Items = [] } of paginateQuery({ client }, query)) yield* Items.map(readItem)
  },
})

const conditionOf = (condition: string, values: Values) => ({
  ConditionExpression: condition,
  ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: marshall(values) }),
})

const readItem = (item: Attributes): StoredItem => unmarshall(item) as StoredItem

const locks = ({ get, putIf, removeIf }: Items) => ({
  /**
   * Takes the lock of a run. The lock of a dead run is free after LOCK_MS. With `once`, a completed run is not repeated: its
   * result is returned. `now` in milliseconds since 1970.
   */
  async lock(report: string, name: string, owner: string, now: number, once: boolean): Promise<Lock> {
    const run = lockSortKey(name)
    // The lock of a completed run has no `expires`, so it never expires.
    const free = `attribute_not_exists(report) OR expires < :now${once ? '' : ' OR attribute_exists(answer)'}`
    if (await putIf({ report, run, takenBy: owner, expires: now + LOCK_MS }, free, { ':now': now })) return { state: 'taken' }
    const holder = await get(report, run)
    // The SDK sends a put again whose response was lost.
    if (holder?.takenBy === owner) return { state: 'taken' }
    if (once && holder?.answer) return { state: 'done', result: JSON.parse(holder.answer) }
    return { state: 'held', until: holder?.expires ?? now }
  },

  /** Marks a run as completed, if the lock is still this owner's. */
  finish: (report: string, name: string, owner: string, result: unknown): Promise<boolean> =>
    putIf({ report, run: lockSortKey(name), takenBy: owner, answer: JSON.stringify(result) }, 'takenBy = :owner', {
      ':owner': owner,
    }),

  /** Releases the lock, if it is still this owner's. */
  release: (report: string, name: string, owner: string): Promise<boolean> =>
    removeIf(report, lockSortKey(name), 'takenBy = :owner', { ':owner': owner }),
})

const publications = ({ get, putIf, removeIf, list }: Items) => ({
  /** Publishes this run's objects for a day or an instant. False when a run that began later is published already. */
  publish: (report: string, { period, run, rows, ofFuture }: PublicationItem): Promise<boolean> =>
    putIf(
      { report, run: publishedSortKey(period), published: run, rows: JSON.stringify(rows), ...(ofFuture && { ofFuture }) },
      'attribute_not_exists(report) OR published <= :run',
      { ':run': run },
    ),

  /** Removes a publication, unless another run has replaced it. */
  withdraw: (report: string, { period, run }: Publication): Promise<boolean> =>
    removeIf(report, publishedSortKey(period), 'published = :run', { ':run': run }),

  /** All publications of a report. Days are newest first. */
  published: (report: string): Promise<PublicationItem[]> => listPublications(report, list),

  /** The newest day or instant. A day of the future is not the newest one. `now` in milliseconds since 1970. */
  async newest({ name, kind }: Report, now: number): Promise<PublicationItem | undefined> {
    if (kind === 'snapshot') return newestSnapshot(await listPublications(name, list))
    const last = publishedSortKey(formatDay(lastPresent(now)))
    for await (const item of list(name, PUBLISHED, { last, itemsPerPage: DAYS_PER_READ }))
      if (!item.ofFuture) return toPublication(item)
    return undefined
  },

  async publicationOf(report: string, period: string): Promise<PublicationItem | undefined> {
    const item = await get(report, publishedSortKey(period))
    return item && toPublication(item)
  },
})

async function listPublications(report: string, list: Items['list']): Promise<PublicationItem[]> {
  const found: PublicationItem[] = []
  for await (const item of list(report, PUBLISHED)) found.push(toPublication(item))
  return found
}

const toPublication = ({ run, published = '', rows = '{}', ofFuture }: StoredItem): PublicationItem => ({
  period: run.slice(PUBLISHED.length),
  run: published,
  rows: JSON.parse(rows),
  ...(ofFuture && { ofFuture }),
})

const unpublishedNotes = ({ putIf, removeIf, list }: Items) => ({
  /** Since when (milliseconds since 1970) sweeps know that no publication refers to objects, by what a publication would refer to. */
  async unpublished(report: string): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    for await (const { run, since = 0 } of list(report, UNPUBLISHED)) found.set(run.slice(UNPUBLISHED.length), since)
    return found
  },

  /** The first note counts. */
  noteUnpublished: (report: string, id: string, since: number): Promise<boolean> =>
    putIf({ report, run: unpublishedSortKey(id), since }, 'attribute_not_exists(report)'),

  forgetUnpublished: (report: string, id: string): Promise<boolean> =>
    removeIf(report, unpublishedSortKey(id), 'attribute_exists(report)'),
})

const arrivals = ({ get, putIf }: Items) => ({
  /** Up to when (milliseconds since 1970) the scheduled runs have reported arrivals. Undefined before the first run. */
  arrivalsUntil: async (report: string): Promise<number | undefined> => (await get(report, ARRIVALS))?.arrived,

  /** Records that arrivals up to `until` have been reported. The recorded time never decreases. */
  async noteArrivals(report: string, until: number): Promise<void> {
    const item = { report, run: ARRIVALS, arrived: until }
    await putIf(item, 'attribute_not_exists(report) OR arrived < :until', { ':until': until })
  },
})
