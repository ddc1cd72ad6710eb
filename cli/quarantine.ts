import { type Command, InvalidArgumentError, Option } from 'commander'
import { quarantineReader } from '../lambdas/quarantine/dynamodb-read.ts'
import type { StoredQuarantinedEvent } from '../shared/quarantine.ts'
import { rejections } from '../shared/rejections.ts'
import { parseInstant } from '../shared/time.ts'
import { UserError } from '../shared/user-error.ts'
import { dynamodbOf, s3Of } from './clients.ts'
import { type CommonOptions, printJson, wholeNumber, withCommonOptions } from './options.ts'
import { replayItems, type Totals } from './quarantine/replay.ts'
import { collectedItems } from './quarantine/scan.ts'
import { type Filter, pageOf, type QuarantinePage, selectItems } from './quarantine/select.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'

const PAGE = 1_000
/** Codes of single events; the others refuse a whole request, of which nothing is kept. */
const CODES = Object.entries(rejections).flatMap(([code, { status }]) => (status === 200 ? [code] : []))

export function quarantineCommand(program: Command): void {
  const command = program.command('quarantine').description('events that were kept aside, and why')
  listCommand(command)
  showCommand(command)
  replayCommand(command)
}

interface ListOptions extends CommonOptions {
  readonly limit: number
  readonly cursor?: string
}

function listCommand(parent: Command): void {
  withCommonOptions(parent.command('list'))
    .description('the events that were kept aside, newest first')
    .option('--limit <items>', 'how many', wholeNumber, PAGE)
    .option('--cursor <key>', 'go on behind this one')
    .action(async ({ stage, json, limit, cursor }: ListOptions) => {
      const page = pageOf(await collectedItems(await findTarget(stage)), limit, cursor)
      if (json) printJson(page)
      else print(page)
    })
}

function print({ total, items, cursor }: QuarantinePage): void {
  console.log(`${total} kept aside`)
  if (items.length === 0) return
  const rows = items.map(item => ({ ...item, key: item.key.slice(0, 12), received: new Date(item.received).toISOString() }))
  console.log(formatTable(rows, ['received', 'code', 'type', 'id', 'count', 'key', 'message']))
  if (cursor !== null) console.log(`More: --cursor ${cursor}`)
}

function showCommand(parent: Command): void {
  withCommonOptions(parent.command('show'))
    .description('one event with all that was sent')
    .argument('<key>', 'its key, or the beginning of it')
    .action(async (key: string, { stage, json }: CommonOptions) => {
      const kept = await find(await findTarget(stage), key)
      if (json) printJson(kept)
      else show(kept)
    })
}

async function find(target: Target, beginning: string): Promise<StoredQuarantinedEvent> {
  const [first, ...others] = selectItems(await collectedItems(target), { key: beginning })
  if (others.length > 0) throw new UserError(`${others.length + 1} keys begin with ${beginning}; give more of the key.`)
  const { QuarantineTable, QuarantineBucket } = target.outputs
  const kept =
    first && (await quarantineReader(QuarantineTable, QuarantineBucket, dynamodbOf(target), s3Of(target)).read(first.key))
  if (kept) return kept
  throw new UserError(`Nothing is kept under ${beginning}; see \`npx millrace quarantine list\`.`)
}

function show({ body, ...facts }: StoredQuarantinedEvent): void {
  const texts = { ...facts, received: new Date(facts.received).toISOString(), count: String(facts.count) }
  const rows = Object.entries(texts).map(([fact, value]) => ({ fact, value }))
  console.log(`${formatTable(rows, ['fact', 'value'])}\n\n${body}`)
}

interface ReplayOptions extends CommonOptions, Filter {
  readonly dryRun?: boolean
}

function replayCommand(parent: Command): void {
  withCommonOptions(parent.command('replay'))
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
        throw new UserError(`Nothing is kept under ${key}; see \`npx millrace quarantine list\`.`)
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

function report({ replayed, refused, reasons }: Totals, dryRun: boolean): void {
  console.log(
    `${replayed} ${dryRun ? 'would be replayed' : 'replayed'}, ${refused} ${dryRun ? 'would be refused again' : 'refused again'}`,
  )
  if (reasons.length > 0) console.log(formatTable(reasons, ['count', 'code', 'message']))
}
