import { type Command, InvalidArgumentError, Option } from 'commander'
import { bundleStore } from '../lambdas/quarantine/dynamodb-bundles.ts'
import { quarantineReader } from '../lambdas/quarantine/dynamodb-read.ts'
import type { IdentifiedSummary, StoredQuarantinedEvent } from '../shared/quarantine.ts'
import { rejections } from '../shared/rejections.ts'
import { parseInstant } from '../shared/time.ts'
import { UsageError, UserError } from '../shared/user-error.ts'
import { dynamodbOf, s3Of } from './clients.ts'
import { type CommonOptions, printJson, wholeNumber, withCommonOptions } from './options.ts'
import { bundlesOf } from './quarantine/bundles.ts'
import { type Discarded, discardItems } from './quarantine/discard.ts'
import { judgeItems } from './quarantine/dry-run.ts'
import { readEvent } from './quarantine/read-event.ts'
import { callReplay, replayItems, type Totals, totalsOf } from './quarantine/replay.ts'
import { collectedItems, quarantineStoresOf, scanQuarantine, unpack } from './quarantine/scan.ts'
import { type Filter, pageOf, type QuarantinePage, selectItems } from './quarantine/select.ts'
import { replayWarnings } from './quarantine/warnings.ts'
import { formatTable } from './table.ts'
import { findTarget, type Target } from './target.ts'
import { visibleLines } from './visible.ts'

const PAGE = 1_000
const CODES = Object.keys(rejections)
const DAY_MS = 86_400_000

export function quarantineCommand(program: Command): void {
  const command = program.command('quarantine').description('list, show, replay and discard quarantined events')
  listCommand(command)
  showCommand(command)
  replayCommand(command)
  discardCommand(command)
}

interface ListOptions extends CommonOptions {
  readonly limit: number
  readonly cursor?: string
}

function listCommand(parent: Command): void {
  withCommonOptions(parent.command('list'))
    .description('list the quarantined events and their reasons, newest first')
    .option('--limit <events>', 'list at most this many events', wholeNumber, PAGE)
    .option('--cursor <key>', 'continue after the event with this key')
    .action(async ({ stage, json, limit, cursor }: ListOptions) => {
      const page = pageOf(await collectedItems(await findTarget(stage)), limit, cursor)
      if (json) printJson(page)
      else print(page)
    })
}

function print({ total, items, cursor }: QuarantinePage): void {
  console.log(`${total} events are quarantined`)
  if (items.length === 0) return
  const rows = items.map(item => ({ ...item, key: item.key.slice(0, 12), received: new Date(item.received).toISOString() }))
  console.log(formatTable(rows, ['received', 'code', 'type', 'id', 'count', 'key', 'message']))
  if (cursor !== null) console.log(`More: --cursor ${cursor}`)
}

function showCommand(parent: Command): void {
  withCommonOptions(parent.command('show'))
    .description('show one quarantined event and the text that was sent')
    .argument('<key>', 'the key of the event, or the start of the key')
    .action(async (key: string, { stage, json }: CommonOptions) => {
      const event = await find(await findTarget(stage), key)
      if (json) printJson(event)
      else show(event)
    })
}

async function find(target: Target, keyStart: string): Promise<StoredQuarantinedEvent> {
  const [first, ...others] = selectItems(await collectedItems(target), { key: keyStart })
  if (others.length > 0) throw new UserError(`${others.length + 1} keys start with ${keyStart}. Give more of the key.`)
  const event = first && (await readEvent(first, quarantineStoresOf(target)))
  if (!event) throw noSuchKey(keyStart)
  const { position: _position, first: _first, ...shown } = event
  return shown
}

const readerOf = (target: Target) =>
  quarantineReader(target.outputs.QuarantineTable, target.outputs.QuarantineBucket, dynamodbOf(target), s3Of(target))

const noSuchKey = (keyStart: string): UserError =>
  new UserError(`No quarantined event has the key ${keyStart}. List the keys with \`npx millrace quarantine list\`.`)

function show({ body, ...fields }: StoredQuarantinedEvent): void {
  const texts = { ...fields, received: new Date(fields.received).toISOString(), count: String(fields.count) }
  const rows = Object.entries(texts).map(([field, value]) => ({ field, value }))
  const text = fields.form === 'base64' ? Buffer.from(body, 'base64').toString() : body
  console.log(`${formatTable(rows, ['field', 'value'])}\n\n${visibleLines(text)}`)
}

interface ReplayOptions extends CommonOptions, Filter {
  readonly dryRun?: boolean
}

function replayCommand(parent: Command): void {
  withCommonOptions(parent.command('replay'))
    .description('replay quarantined events with the deployed catalogue; events rejected again stay quarantined')
    .argument('[key]', 'replay only events whose key starts with this')
    .addOption(new Option('--code <code>', 'replay only events with this rejection code').choices(CODES))
    .option('--type <event-type>', 'replay only events of this type')
    .option('--since <instant>', 'replay only events received at or after this instant, RFC 3339', millis)
    .option('--until <instant>', 'replay only events received before this instant, RFC 3339', millis)
    .option('--dry-run', 'only report the outcome, change nothing')
    .action(async (key: string | undefined, { stage, json, dryRun = false, ...filter }: ReplayOptions) => {
      const target = await findTarget(stage)
      const items = selectItems(await collectedItems(target), { ...filter, key })
      if (key !== undefined && items.length === 0) throw noSuchKey(key)
      for (const warning of replayWarnings(items, Number(target.outputs.IdentityMinutes), Date.now()))
        console.error(`warning: ${warning}`)
      const totals = dryRun ? await judge(target, items) : await replay(target, items)
      if (json) printJson(jsonOf(totals))
      else report(totals, dryRun)
    })
}

async function replay(target: Target, items: readonly IdentifiedSummary[]): Promise<Totals> {
  await unpack(target, bundlesOf(items))
  return replayItems(target, items)
}

async function judge(target: Target, items: readonly IdentifiedSummary[]): Promise<Totals> {
  const bundles = bundleStore(quarantineStoresOf(target))
  const outcomes = await judgeItems(items, { bundles, call: request => callReplay(target, request) })
  return totalsOf(outcomes, items.length)
}

interface DiscardOptions extends ReplayOptions {
  readonly olderThan?: number
}

function discardCommand(parent: Command): void {
  withCommonOptions(parent.command('discard'))
    .description('delete quarantined events for good; needs a key or a condition')
    .argument('[key]', 'discard only events whose key starts with this')
    .addOption(new Option('--code <code>', 'discard only events with this rejection code').choices(CODES))
    .option('--type <event-type>', 'discard only events of this type')
    .option('--since <instant>', 'discard only events received at or after this instant, RFC 3339', millis)
    .addOption(
      new Option('--until <instant>', 'discard only events received before this instant, RFC 3339')
        .argParser(millis)
        .conflicts('olderThan'),
    )
    .option('--older-than <days>', 'discard only events received more than this many days ago', wholeNumber)
    .option('--dry-run', 'only report how many events would be discarded')
    .action(async (key: string | undefined, { stage, json, dryRun = false, olderThan, ...conditions }: DiscardOptions) => {
      const filter = {
        ...conditions,
        ...(olderThan !== undefined && { until: Date.now() - olderThan * DAY_MS }),
        ...(key && { key }),
      }
      if (Object.keys(filter).length === 0)
        throw new UsageError('Give a key or a condition such as --code or --older-than: discarded events cannot be restored.')
      const target = await findTarget(stage)
      const all = await collectedItems(target)
      const items = selectItems(all, filter)
      if (key !== undefined && items.length === 0) throw noSuchKey(key)
      const { discarded, kept } = dryRun ? { discarded: items.length, kept: 0 } : await discard(target, items, all)
      if (json) printJson({ discarded, kept })
      else
        console.log(
          `${discarded} ${dryRun ? 'would be ' : ''}discarded${kept > 0 ? `, ${kept} changed meanwhile and are kept` : ''}`,
        )
    })
}

const discard = (target: Target, items: readonly IdentifiedSummary[], all: readonly IdentifiedSummary[]): Promise<Discarded> =>
  discardItems(items, all, {
    reader: readerOf(target),
    list: () => scanQuarantine(quarantineStoresOf(target)),
    unpack: bundles => unpack(target, bundles),
  })

/** Parses an RFC 3339 instant into milliseconds since 1970. Throws a usage error for other text. */
function millis(text: string): number {
  const micros = parseInstant(text)
  if (micros !== undefined) return Number(micros / 1000n)
  throw new InvalidArgumentError('It must be an instant such as 2026-01-31T12:00:00Z.')
}

const jsonOf = ({ replayed, refused, gone }: Totals) => ({ replayed, refused, ...(gone > 0 && { gone }) })

function report({ replayed, refused, gone, reasons }: Totals, dryRun: boolean): void {
  const would = dryRun ? 'would be ' : ''
  const others = gone > 0 ? `, ${gone} gone from the quarantine meanwhile` : ''
  console.log(`${replayed} ${would}replayed, ${refused} ${would}rejected again${others}`)
  if (reasons.length > 0) console.log(formatTable(reasons, ['count', 'code', 'message']))
}
