import { gunzipSync } from 'node:zlib'
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import type { QuarantineSummary } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, rejections } from '../../shared/rejections.ts'
import { formatInstant, millisToMicros } from '../../shared/time.ts'
import { readSummary } from '../quarantine/dynamodb-read.ts'
import { invalidParameter, type Parameters, readCursor, readLimit, writeCursor } from './parameters.ts'
import type { Page } from './response.ts'

/** An event kept aside, with the beginning of what was sent. */
export interface QuarantineRow extends Omit<QuarantineSummary, 'received'> {
  readonly received: string
  /** The first characters of the body; null for a large one, which lies in the bucket. */
  readonly sample: string | null
}

export interface QuarantineQuery {
  readonly limit: number
  readonly code: string | undefined
  /** The key to go on behind. */
  readonly after: string | undefined
}

const SAMPLE_CHARACTERS = 500
/** A rare code may be far away: an answer looks no further, and its cursor goes on from there. */
const MAX_READS_PER_REQUEST = 5
const ITEMS_PER_READ = 1000

export function planQuarantine(parameters: Parameters): QuarantineQuery | Rejection {
  const { code } = parameters
  if (code !== undefined && !Object.hasOwn(rejections, code))
    return invalidParameter('code', 'must be a code such as invalid_event.')
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const position = readCursor(parameters, ['string'])
  if (position && !Array.isArray(position)) return position
  const after = position && String(position[0])
  if (after !== undefined && !/^[0-9a-f]{64}$/.test(after))
    return invalidParameter('cursor', 'must be the cursor of an answer to the same query.')
  return { limit, code, after }
}

/**
 * Events kept aside, in the order of their keys. Keys are hashes, so that any page is a fair sample. Throws when the table
 * does not answer.
 */
export async function readQuarantine(
  parameters: Parameters,
  table: string,
  client: Pick<DynamoDBClient, 'send'> = new DynamoDBClient({}),
): Promise<Page<QuarantineRow> | Rejection> {
  const query = planQuarantine(parameters)
  if (isRejection(query)) return query
  const data: QuarantineRow[] = []
  let after = query.after
  for (let reads = 0; reads < MAX_READS_PER_REQUEST && data.length < query.limit; reads++) {
    const { Items = [], LastEvaluatedKey } = await client.send(scanOf(query, table, after, query.limit - data.length))
    data.push(...Items.map(rowOf))
    after = LastEvaluatedKey?.['key']?.S
    if (after === undefined) break
  }
  return { data, cursor: after === undefined ? null : writeCursor([after]) }
}

/** With a code most items may be left out: more are looked at, but never more than would fit if all matched. */
const scanOf = ({ code }: QuarantineQuery, table: string, after: string | undefined, wanted: number): ScanCommand =>
  new ScanCommand({
    TableName: table,
    Limit: Math.min(wanted, ITEMS_PER_READ),
    ...(after !== undefined && { ExclusiveStartKey: { key: { S: after } } }),
    ...(code !== undefined && {
      FilterExpression: '#code = :code',
      ExpressionAttributeNames: { '#code': 'code' },
      ExpressionAttributeValues: { ':code': { S: code } },
    }),
  })

const rowOf = (attributes: Record<string, AttributeValue>): QuarantineRow => {
  const item = readSummary(attributes)
  const body = attributes['body']?.B
  return {
    ...item,
    received: formatInstant(millisToMicros(item.received)),
    sample: body ? gunzipSync(body).toString().slice(0, SAMPLE_CHARACTERS) : null,
  }
}
