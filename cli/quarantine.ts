import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type KeptEvent, keptEvents } from '../lambdas/quarantine/kept-events.ts'
import { type RejectionCode, rejections } from '../shared/rejections.ts'
import { parseInstant } from '../shared/time.ts'
import { dynamodbOf, s3Of } from './clients.ts'
import { Failure } from './failure.ts'
import { invoke } from './invoke.ts'
import { type Common, printJson, whole, withCommonOptions } from './options.ts'
import { replayItems, type Totals } from './quarantine/replay.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'

/** An event kept aside, without its body. */
export interface QuarantinedItem {
  readonly key: string
  readonly code: string
  readonly message: string
  readonly type: string | null
  readonly id: string | null
  readonly keyName: string
  /** Milliseconds since 1970. */
  readonly received: number
  /** How often the same event came. */
  readonly count: number
}

export interface QuarantinePage {
  readonly total: number
  readonly items: readonly QuarantinedItem[]
  /** The key to go on behind; null on the last page. */
  readonly cursor: string | null
}

const PAGE = 1_000
/** Codes of single events; the others refuse a whole request, of which nothing is kept. */
const CODES = Object.entries(rejections).flatMap(([code, { status }]) => (status === 200 ? [code] : []))
const FIELDS = ['key', 'code', 'message', 'type', 'id', 'keyName', 'received', 'count'] as const

interface ListOptions extends Common {
  readonly limit: number
  readonly cursor?: string
}

interface ReplayOptions extends Common, Filter {
  readonly dryRun?: boolean
}

export function quarantineCommand(program: Command): void {
  const command = program.command('quarantine').description('events that were kept aside, and why')
  withCommonOptions(command.command('list'))
    .description('the events that were kept aside, newest first')
    .option('--limit <items>', 'how many', whole, PAGE)
    .option('--cursor <key>', 'go on behind this one')
    .action(async ({ stage, json, limit, cursor }: ListOptions) => {
      const page = pageOf(await collectedItems(await findTarget(stage)), limit, cursor)
      if (json) printJson(page)
      else print(page)
    })
  withCommonOptions(command.command('show'))
    .description('one event with all that was sent')
    .argument('<key>', 'its key, or the beginning of it')
    .action(async (key: string, { stage, json }: Common) => {
      const kept = await find(await findTarget(stage), key)
      if (json) printJson(kept)
      else show(kept)
    })
  withCommonOptions(command.command('replay'))
    .description('send events on their way again, by the catalogue that is deployed; what is refused again stays')
    .argument('[key]', 'only the event with this key, or the beginning of it')
    .addOption(new Option('--code <code>', 'only events kept for this reason').choices(CODES))
    .option('--type <event-type>', 'only events of this type')
    .option('--since <instant>', 'only events received at or after this instant, RFC 3339', millis)
    .option('--until <instant>', 'only events received before this instant, RFC 3339', millis)
    .option('--dry-run', 'only say what would become of them')
    .action(async (key: string | undefined, { stage, json, dryRun = false, ...filter }: ReplayOptions) => {
      const target = await findTarget(stage)
      const items = selectItems(await collectedItems(target), { ...filter, key })
      if (key !== undefined && items.length === 0)
        throw new Failure(`Nothing is kept under ${key}; see \`npx millrace quarantine list\`.`)
      const totals = await replayItems(target, items, dryRun)
      if (json) printJson({ replayed: totals.replayed, refused: totals.refused })
      else report(totals, dryRun)
    })
}

/** An RFC 3339 instant as milliseconds since 1970; otherwise a usage error. */
function millis(text: string): number {
  const micros = parseInstant(text)
  if (micros !== undefined) return Number(micros / 1000n)
  throw new InvalidArgumentError('It must be an instant such as 2026-01-31T12:00:00Z.')
}

/** Which events are meant; what is left out does not matter. */
export interface Filter {
  /** The beginning of the key. */
  readonly key?: string | undefined
  readonly code?: RejectionCode
  readonly type?: string
  /** Milliseconds since 1970, included. */
  readonly since?: number
  /** Milliseconds since 1970, excluded. */
  readonly until?: number
}

/** The events that are meant, the first received first: so they came, and so they are replayed. */
export const selectItems = (items: readonly QuarantinedItem[], { key, code, type, since, until }: Filter): QuarantinedItem[] =>
  items
    .filter(
      item =>
        (key === undefined || item.key.startsWith(key)) &&
        (code === undefined || item.code === code) &&
        (type === undefined || item.type === type) &&
        (since === undefined || item.received >= since) &&
        (until === undefined || item.received < until),
    )
    .sort((a, b) => a.received - b.received)

/** The newest `limit` items behind the cursor. */
export function pageOf(items: readonly QuarantinedItem[], limit: number, cursor: string | undefined): QuarantinePage {
  const sorted = items.toSorted((a, b) => b.received - a.received || (a.key < b.key ? -1 : 1))
  const start = cursor === undefined ? 0 : sorted.findIndex(({ key }) => key === cursor) + 1
  const page = sorted.slice(start, start + limit)
  return { total: items.length, items: page, cursor: start + limit < sorted.length ? (page.at(-1)?.key ?? null) : null }
}

function print({ total, items, cursor }: QuarantinePage): void {
  console.log(`${total} kept aside`)
  if (items.length === 0) return
  const rows = items.map(item => ({ ...item, key: item.key.slice(0, 12), received: new Date(item.received).toISOString() }))
  console.log(formatTable(rows, ['received', 'code', 'type', 'id', 'count', 'key', 'message']))
  if (cursor !== null) console.log(`More: --cursor ${cursor}`)
}

function show({ body, ...facts }: KeptEvent): void {
  const texts = { ...facts, received: new Date(facts.received).toISOString(), count: String(facts.count) }
  const rows = Object.entries(texts).map(([fact, value]) => ({ fact, value }))
  console.log(`${formatTable(rows, ['fact', 'value'])}\n\n${body}`)
}

function report({ replayed, refused, reasons }: Totals, dryRun: boolean): void {
  console.log(
    `${replayed} ${dryRun ? 'would be replayed' : 'replayed'}, ${refused} ${dryRun ? 'would be refused again' : 'refused again'}`,
  )
  if (reasons.length > 0) console.log(formatTable(reasons, ['count', 'code', 'message']))
}

/** Everything in the quarantine, after what still waits in a bucket was taken into it. */
async function collectedItems(target: Target): Promise<QuarantinedItem[]> {
  await invoke(target, target.outputs.CollectFailuresFunction, {})
  return scanQuarantine(dynamodbOf(target), target.outputs.QuarantineTable)
}

async function find(target: Target, beginning: string): Promise<KeptEvent> {
  const [first, ...others] = selectItems(await collectedItems(target), { key: beginning })
  if (others.length > 0) throw new Failure(`${others.length + 1} keys begin with ${beginning}; give more of the key.`)
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const kept = first && (await keptEvents(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target)).read(first.key))
  if (kept) return kept
  throw new Failure(`Nothing is kept under ${beginning}; see \`npx millrace quarantine list\`.`)
}

/** Everything in the quarantine, without the bodies. */
export async function scanQuarantine(client: DynamoDBClient, table: string): Promise<QuarantinedItem[]> {
  const names = Object.fromEntries(FIELDS.map(field => [`#${field}`, field]))
  const scan = {
    TableName: table,
    ConsistentRead: true,
    ProjectionExpression: Object.keys(names).join(', '),
    ExpressionAttributeNames: names,
  }
  const items: QuarantinedItem[] = []
  for await (const { Items = [] } of paginateScan({ client }, scan)) items.push(...Items.map(toItem))
  return items
}

const toItem = (attributes: Record<string, AttributeValue>): QuarantinedItem => ({
  key: attributes['key']?.S ?? '',
  code: attributes['code']?.S ?? '',
  message: attributes['message']?.S ?? '',
  type: attributes['type']?.S ?? null,
  id: attributes['id']?.S ?? null,
  keyName: attributes['keyName']?.S ?? '',
  received: Number(attributes['received']?.N ?? 0),
  count: Number(attributes['count']?.N ?? 1),
})
