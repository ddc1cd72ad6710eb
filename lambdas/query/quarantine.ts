import { ScanCommand } from '@aws-sdk/client-dynamodb'
import type { Page } from '../../shared/http.ts'
import type { QuarantineRow } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, rejections } from '../../shared/rejections.ts'
import { formatInstant, millisToMicros } from '../../shared/time.ts'
import type { Attributes } from '../dynamodb.ts'
import { asBundle, type QuarantineStores } from '../quarantine/dynamodb-bundles.ts'
import { isExpired } from '../quarantine/dynamodb-expiry.ts'
import { readSummary } from '../quarantine/dynamodb-read.ts'
import { rowsThatFit } from '../response-size.ts'
import { invalidCursor, invalidParameter, type QueryParameters, readCursor, readLimit, writeCursor } from './parameters.ts'
import { type BundleGroup, bundleGroups, readItems, type SampledSummary, withoutBodies } from './quarantine-bundles.ts'

/** Where a page begins. Bundles are read first, in groups. */
type Position =
  | {
      readonly in: 'bundles'
      /** The key of the bundle before the group. */
      readonly group: string | undefined
      /** The key of the event after which the page begins. */
      readonly after: string | undefined
    }
  | { readonly in: 'table'; readonly after: string | undefined }

interface QuarantineQuery {
  readonly limit: number
  readonly code: string | undefined
  readonly start: Position
}

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
  const start = position ? parsePosition(String(position[0])) : { in: 'bundles' as const, group: undefined, after: undefined }
  return start ? { limit, code, start } : invalidCursor()
}

/** Keys are 64 hexadecimal digits. A slash: among the bundles of the group after the first key. */
const POSITION = /^(?:(?<group>[0-9a-f]{64}|)(?<bundles>\/))?(?<after>[0-9a-f]{64}|)$/

function parsePosition(text: string): Position | undefined {
  const found = POSITION.exec(text)?.groups
  if (!found) return undefined
  const after = found['after'] || undefined
  return found['bundles'] ? { in: 'bundles', group: found['group'] || undefined, after } : { in: 'table', after }
}

const formatPosition = (position: Position): string =>
  position.in === 'table' ? (position.after ?? '') : `${position.group ?? ''}/${position.after ?? ''}`

/**
 * Reads one page of quarantined events: those of bundles, sorted by key, then those of the table. Keys are hashes. A page of one code
 * may hold fewer rows than `limit` and still have a cursor. An event that is in the table and in bundles, or in several bundles, is
 * one row; beyond the first group of bundles it may be a row of each group. Throws when a store does not respond.
 */
export async function readQuarantine(
  parameters: QueryParameters,
  stores: QuarantineStores,
  groups = bundleGroups(stores),
): Promise<Page<QuarantineRow> | Rejection> {
  const query = planQuarantine(parameters)
  if (isRejection(query)) return query
  const read = stepReader(query, stores, groups)
  let data: QuarantineRow[] = []
  let at: Position | undefined = query.start
  for (let reads = 0; at && reads < MAX_READS_PER_REQUEST && data.length < query.limit; reads++) {
    const { from, rows, next } = await read(at, query.limit - data.length)
    const fitting = rowsThatFit([...data, ...rows])
    const last = fitting.slice(data.length).at(-1)
    if (fitting.length < data.length + rows.length) return pageOf(fitting, last ? { ...from, after: last.key } : from, query)
    data = fitting
    at = next
  }
  return pageOf(data, at, query)
}

const pageOf = (data: QuarantineRow[], next: Position | undefined, { code }: QuarantineQuery): Page<QuarantineRow> => ({
  data,
  cursor: next === undefined ? null : writeCursor([formatPosition(next)], ['quarantine', code]),
})

/** Some rows, where they begin, and where the next ones do. */
interface Step {
  readonly from: Position
  readonly rows: readonly QuarantineRow[]
  readonly next: Position | undefined
}

/** Reads at most as many rows as are wanted from a position on. */
function stepReader(query: QuarantineQuery, stores: QuarantineStores, groups: ReturnType<typeof bundleGroups>) {
  let first: Promise<BundleGroup> | undefined
  const firstGroup = (): Promise<BundleGroup> => {
    first ??= groups(undefined)
    return first
  }
  return async (at: Position, wanted: number): Promise<Step> => {
    if (at.in === 'table') return tableStep(query, at.after, wanted, await firstGroup(), stores)
    const group = at.group === undefined ? await firstGroup() : await groups(at.group)
    if (group.summaries.size === 0 && group.last === undefined)
      return tableStep(query, undefined, wanted, await firstGroup(), stores)
    return bundleStep(query, at, wanted, group, stores)
  }
}

/** Events of bundles. Their counts include those of their items in the table. */
async function bundleStep(
  { code }: QuarantineQuery,
  at: Position & { readonly in: 'bundles' },
  wanted: number,
  { summaries, last }: BundleGroup,
  stores: QuarantineStores,
): Promise<Step> {
  const { after = '' } = at
  const selected = [...summaries.values()].filter(summary => summary.key > after && isOf(summary, code))
  const page = selected.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, wanted)
  const items = await readItems(
    page.map(({ key }) => key),
    stores,
  )
  const counts = new Map(items.map(readSummary).map(({ key, count }) => [key, count]))
  const rows = page.map(({ parts: _parts, position: _position, ...row }) => ({
    ...row,
    count: row.count + (counts.get(row.key) ?? 0),
    received: formatInstant(millisToMicros(row.received)),
  }))
  if (page.length < selected.length) return { from: at, rows, next: { ...at, after: page.at(-1)?.key } }
  return {
    from: at,
    rows,
    next: last === undefined ? { in: 'table', after: undefined } : { in: 'bundles', group: last, after: undefined },
  }
}

const isOf = ({ code }: SampledSummary, wanted: string | undefined): boolean => wanted === undefined || code === wanted

/** Events of the table that no bundle of the first group has shown. DynamoDB applies the limit before the filter. */
async function tableStep(
  { code }: QuarantineQuery,
  after: string | undefined,
  wanted: number,
  { summaries }: BundleGroup,
  { table, dynamodb, now }: QuarantineStores,
): Promise<Step> {
  const { Items = [], LastEvaluatedKey } = await dynamodb.send(scanOf(code, table, after, wanted))
  const rows = Items.filter(item => !isExpired(item, now()) && !asBundle(item)).flatMap(item => {
    const row = rowOf(item)
    const bundled = summaries.get(row.key)
    if (bundled && isOf(bundled, code)) return []
    return [{ ...row, count: row.count + (bundled?.count ?? 0) }]
  })
  const last = LastEvaluatedKey?.['key']?.S
  return { from: { in: 'table', after }, rows, next: last === undefined ? undefined : { in: 'table', after: last } }
}

const scanOf = (code: string | undefined, table: string, after: string | undefined, wanted: number): ScanCommand =>
  new ScanCommand({
    TableName: table,
    Limit: Math.min(wanted, ITEMS_PER_READ),
    ...(after !== undefined && { ExclusiveStartKey: { key: { S: after } } }),
    ...withoutBodies,
    ...(code !== undefined && { FilterExpression: '#code = :code', ExpressionAttributeValues: { ':code': { S: code } } }),
  })

function rowOf(attributes: Attributes): QuarantineRow {
  const { sentAt: _sentAt, ...item } = readSummary(attributes)
  return { ...item, received: formatInstant(millisToMicros(item.received)), sample: attributes['sample']?.S ?? null }
}
