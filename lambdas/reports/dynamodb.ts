import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import { newestSnapshot, type Publication, type Report } from '../../shared/report.ts'
import { type Attributes, conditionHeld } from '../dynamodb.ts'

/** Which run's objects are the published ones of a day or an instant. */
export interface PublicationItem extends Publication {
  /** Of a day: rows by the table's `by`, and a table without rows has no object. Of an instant: rows by the number of the part. */
  readonly rows: Readonly<Record<string, number>>
}

export type Lock =
  | { readonly state: 'taken' }
  /** Another run holds it, at most until then (milliseconds since 1970). */
  | { readonly state: 'held'; readonly until: number }
  /** A run of this name has ended well. */
  | { readonly state: 'done'; readonly answer: unknown }

/** Longer than a function can run: then the run that took the lock is dead. */
export const LOCK_MS = 16 * 60_000

const PUBLISHED = 'published#'
const lockKey = (name: string): string => `lock#${name}`
/** The newest archive object that the scheduled runs have reported on. */
const ARRIVALS = 'arrivals'

export type ReportsTable = ReturnType<typeof reportsTable>

/** Locks, publications and progress of reports; one partition a report. */
export function reportsTable(table: string, client = new DynamoDBClient({})) {
  const keyOf = (report: string, run: string) => ({ report: { S: report }, run: { S: run } })

  const get = async (report: string, run: string) =>
    (await client.send(new GetItemCommand({ TableName: table, Key: keyOf(report, run), ConsistentRead: true }))).Item

  const putIf = (item: Attributes, condition: string, values: Attributes): Promise<boolean> => {
    const check = { ConditionExpression: condition, ExpressionAttributeValues: values }
    return conditionHeld(client.send(new PutItemCommand({ TableName: table, Item: item, ...check })))
  }

  const removeIf = (key: Attributes, condition: string, values: Attributes): Promise<boolean> => {
    const check = { ConditionExpression: condition, ExpressionAttributeValues: values }
    return conditionHeld(client.send(new DeleteItemCommand({ TableName: table, Key: key, ...check })))
  }

  const publications = async (report: string, newestOnly: boolean): Promise<PublicationItem[]> => {
    const found: PublicationItem[] = []
    let from: Attributes | undefined
    do {
      const page = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'report = :report AND begins_with(run, :published)',
          ExpressionAttributeValues: { ':report': { S: report }, ':published': { S: PUBLISHED } },
          ScanIndexForward: false,
          ConsistentRead: true,
          ExclusiveStartKey: from,
          ...(newestOnly && { Limit: 1 }),
        }),
      )
      found.push(...(page.Items ?? []).map(readPublication))
      from = newestOnly ? undefined : page.LastEvaluatedKey
    } while (from)
    return found
  }

  return {
    /** Takes the lock of a run; a lock whose run died is free after a while. What ended well is done again unless it is wanted `once`. */
    async lock(report: string, name: string, owner: string, now: number, once: boolean): Promise<Lock> {
      const item = { ...keyOf(report, lockKey(name)), takenBy: { S: owner }, expires: { N: String(now + LOCK_MS) } }
      // A lock with an answer does not expire any more.
      const free = `attribute_not_exists(report) OR expires < :now${once ? '' : ' OR attribute_exists(answer)'}`
      if (await putIf(item, free, { ':now': { N: String(now) } })) return { state: 'taken' }
      const holder = await get(report, lockKey(name))
      if (once && holder?.['answer']?.S) return { state: 'done', answer: JSON.parse(holder['answer'].S) }
      return { state: 'held', until: Number(holder?.['expires']?.N ?? now) }
    },

    /** Marks a run as ended well. */
    finish: (report: string, name: string, owner: string, answer: unknown): Promise<boolean> =>
      putIf(
        { ...keyOf(report, lockKey(name)), takenBy: { S: owner }, answer: { S: JSON.stringify(answer) } },
        'takenBy = :owner',
        { ':owner': { S: owner } },
      ),

    /** Gives the lock back, if it is still this owner's. */
    release: (report: string, name: string, owner: string): Promise<boolean> =>
      removeIf(keyOf(report, lockKey(name)), 'takenBy = :owner', { ':owner': { S: owner } }),

    /** Makes a day or an instant show this run's objects, unless a run that began later was first; then false. */
    publish: (report: string, { period, run, rows }: PublicationItem): Promise<boolean> =>
      putIf(
        { ...keyOf(report, `${PUBLISHED}${period}`), published: { S: run }, rows: { S: JSON.stringify(rows) } },
        'attribute_not_exists(report) OR published <= :run',
        { ':run': { S: run } },
      ),

    /** Stops showing it, unless another run has replaced it. */
    withdraw: (report: string, { period, run }: Publication): Promise<boolean> =>
      removeIf(keyOf(report, `${PUBLISHED}${period}`), 'published = :run', { ':run': { S: run } }),

    /** Everything that is published; days are newest first. */
    published: (report: string): Promise<PublicationItem[]> => publications(report, false),

    newest: async ({ name, kind: made }: Report): Promise<PublicationItem | undefined> =>
      made === 'daily' ? (await publications(name, true))[0] : newestSnapshot(await publications(name, false)),

    async publicationOf(report: string, period: string): Promise<PublicationItem | undefined> {
      const item = await get(report, `${PUBLISHED}${period}`)
      return item && readPublication(item)
    },

    /** Up to when (milliseconds since 1970) arrivals have been reported on by the schedule. */
    async arrivalsUntil(report: string): Promise<number | undefined> {
      const item = await get(report, ARRIVALS)
      return item && Number(item['arrived']?.N)
    },

    async noteArrivals(report: string, until: number): Promise<void> {
      const item = { ...keyOf(report, ARRIVALS), arrived: { N: String(until) } }
      await putIf(item, 'attribute_not_exists(report) OR arrived < :until', { ':until': item.arrived })
    },
  }
}

const readPublication = (item: Attributes): PublicationItem => ({
  period: (item['run']?.S ?? '').slice(PUBLISHED.length),
  run: item['published']?.S ?? '',
  rows: JSON.parse(item['rows']?.S ?? '{}'),
})
