import { randomUUID } from 'node:crypto'
import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { JobKind } from '../../shared/jobs.ts'
import { type Attributes, putOrFound } from '../dynamodb.ts'
import type { Job } from './plan-job.ts'

/** Ended jobs are deleted after this time. */
const KEPT_SECONDS = 90 * 86_400

export type JobsTable = ReturnType<typeof jobsTable>

/** The jobs of all kinds. The partition key is `kind`, the sort key is `number`. Reads have strong consistency. */
export const jobsTable = (table: string, client = new DynamoDBClient({})) => ({
  async find(kind: JobKind, number: number): Promise<Job | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: marshall({ kind, number }), ConsistentRead: true }),
    )
    return Item && readItem(Item)
  },

  /** The newest jobs of a kind, newest first. */
  async newest(kind: JobKind, limit: number): Promise<Job[]> {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'kind = :kind',
        ExpressionAttributeValues: marshall({ ':kind': kind }),
        ...{ ScanIndexForward: false, Limit: limit, ConsistentRead: true },
      }),
    )
    return Items.map(readItem)
  },

  /** Adds a job. Returns false if its number is taken. */
  create: (job: Job): Promise<boolean> =>
    putOrFound(client, { TableName: table, Item: itemOf(job), ConditionExpression: 'attribute_not_exists(version)' }),

  /** Replaces the version of the job before this one. Returns false if somebody else has replaced it. */
  replace: (job: Job): Promise<boolean> =>
    putOrFound(client, {
      TableName: table,
      Item: itemOf(job),
      ConditionExpression: 'version = :previous',
      ExpressionAttributeValues: marshall({ ':previous': job.version - 1 }),
    }),
})

/** What has no fixed form is stored as JSON. */
const JSON_FIELDS = ['input', 'cursor', 'counts', 'result'] as const

/** `write` tells the item from that of another invocation which writes the same at the same time. */
function itemOf(job: Job): Attributes {
  const texts = JSON_FIELDS.map(field => [field, job[field] === undefined ? undefined : JSON.stringify(job[field])])
  const expires = job.ended === undefined ? undefined : Math.floor(job.ended / 1000) + KEPT_SECONDS
  return marshall({ ...job, ...Object.fromEntries(texts), expires, write: randomUUID() }, { removeUndefinedValues: true })
}

function readItem(item: Attributes): Job {
  const { expires: _, write: __, ...job } = unmarshall(item)
  const values = JSON_FIELDS.flatMap(field => (job[field] === undefined ? [] : [[field, JSON.parse(job[field])]]))
  return { ...job, ...Object.fromEntries(values) } as Job
}
