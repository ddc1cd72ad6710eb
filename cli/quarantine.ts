import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import type { Command } from 'commander'
import { dynamodbOf } from './clients.ts'
import { type Common, printJson, whole, withCommonOptions } from './options.ts'
import { formatTable } from './table.ts'
import { findTarget } from './target.ts'

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
const FIELDS = ['key', 'code', 'message', 'type', 'id', 'keyName', 'received', 'count'] as const

interface ListOptions extends Common {
  readonly limit: number
  readonly cursor?: string
}

export function quarantineCommand(program: Command): void {
  const command = program.command('quarantine').description('events that were kept aside, and why')
  withCommonOptions(command.command('list'))
    .description('the events that were kept aside, newest first')
    .option('--limit <items>', 'how many', whole, PAGE)
    .option('--cursor <key>', 'go on behind this one')
    .action(async ({ stage, json, limit, cursor }: ListOptions) => {
      const target = await findTarget(stage)
      const page = pageOf(await scanQuarantine(dynamodbOf(target), target.outputs.QuarantineTable), limit, cursor)
      if (json) printJson(page)
      else print(page)
    })
}

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
