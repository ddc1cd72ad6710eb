import { gunzipSync } from 'node:zlib'
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import type { Page } from '../../shared/http.ts'
import type { QuarantineRow } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, rejections } from '../../shared/rejections.ts'
import { formatInstant, millisToMicros } from '../../shared/time.ts'
import type { Attributes } from '../dynamodb.ts'
import { readSummary } from '../quarantine/dynamodb-read.ts'
import { rowsThatFit } from '../response-size.ts'
import { invalidCursor, invalidParameter, type QueryParameters, readCursor, readLimit, writeCursor } from './parameters.ts'

interface QuarantineQuery {
  readonly limit: number
  readonly code: string | undefined
  /** The key after which the page begins. */
  readonly after: string | undefined
}

const SAMPLE_CHARACTERS = 500
/** A rare code may need many reads. A request stops after these, and its cursor continues from there. */
const MAX_READS_PER_REQUEST = 5
const ITEMS_PER_READ = 1000

function planQuarantine(parameters: QueryParameters): QuarantineQuery | Rejection {
  const { code } = parameters
  if (code !== undefined && !Object.hasOwn(rejections, code))
    return invalidParameter('code', 'must be a code such as invalid_event.')
  const limit = readLimit(parameters)
  if (typeof limit !== 'number') return limit
  const position = readCursor(parameters, ['string'], ['quarantine', code])
  if (position && !Array.isArray(position)) return position
  const after = position && String(position[0])
  if (after !== undefined && !/^[0-9a-f]{64}$/.test(after)) return invalidCursor()
  return { limit, code, after }
}

/**
 * Reads one page of quarantined events, sorted by key. Keys are hashes, so every page is a fair sample. A page of one code may
 * hold fewer rows than `limit` and still have a cursor. Throws when DynamoDB does not respond.
 */
export async function readQuarantine(
  parameters: QueryParameters,
  table: string,
  client: Pick<DynamoDBClient, 'send'> = new DynamoDBClient({}),
): Promise<Page<QuarantineRow> | Rejection> {
  const query = planQuarantine(parameters)
  if (isRejection(query)) return query
  let data: QuarantineRow[] = []
  let after = query.after
  for (let reads = 0; reads < MAX_READS_PER_REQUEST && data.length < query.limit; reads++) {
    const { Items = [], LastEvaluatedKey } = await client.send(scanOf(query, table, after, query.limit - data.length))
    const read = [...data, ...Items.map(rowOf)]
    data = rowsThatFit(read)
    after = data.length < read.length ? data.at(-1)?.key : LastEvaluatedKey?.['key']?.S
    if (after === undefined || data.length < read.length) break
  }
  return { data, cursor: after === undefined ? null : writeCursor([after], ['quarantine', query.code]) }
}

/** DynamoDB applies the limit before the filter. It must not exceed the wanted rows: all items may match. */
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

const rowOf = (attributes: Attributes): QuarantineRow => {
  const { sentAt: _sentAt, ...item } = readSummary(attributes)
  const body = attributes['body']?.B
  const encoding = attributes['form']?.S === 'base64' ? 'base64' : 'utf8'
  return {
    ...item,
    received: formatInstant(millisToMicros(item.received)),
    sample: body ? sampleOf(gunzipSync(body).toString(), encoding) : null,
  }
}

/** The first characters of a body, with replacement characters for bytes that are not UTF-8. */
const sampleOf = (body: string, encoding: 'base64' | 'utf8'): string =>
  Buffer.from(body, encoding).toString().slice(0, SAMPLE_CHARACTERS)
