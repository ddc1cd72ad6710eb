import { styleText } from 'node:util'
import { LOCAL_OUTPUTS } from '../../shared/outputs.ts'
import type { Status } from '../status/settled.ts'
import { formatTable } from '../table.ts'
import type { Found } from './independent/compare.ts'

/** Rows shown of each table. */
const SHOWN = 3

/** The outcome of a demo that succeeded. */
export interface DemoResult {
  readonly sent: readonly SentLines[]
  readonly seconds: { readonly sending: number; readonly settling: number }
  readonly status: Status
  readonly found: Found
  readonly apiUrl: string
}

/** What was sent of one event type. */
export interface SentLines {
  readonly events: string
  readonly lines: number
  /** Lines that were sent again on purpose. */
  readonly repeated: number
  readonly accepted: number
  readonly quarantined: number
}

const heading = (text: string): string => styleText('bold', text)
const quiet = (text: string): string => styleText('dim', text)
const indent = (text: string): string => text.replaceAll(/^/gm, '  ')

/** The demo's result as text for a terminal. */
export function summarise({ sent, seconds, status, found, apiUrl }: DemoResult, console?: string): string {
  const rawEvents = `curl -H "Authorization: Bearer $KEY" ${apiUrl}/v1/events/interaction`
  return [
    section('Sent', `in ${seconds.sending.toFixed(1)} s`, sentLines(sent)),
    section('Stored', `after ${seconds.settling.toFixed(1)} s more, with what earlier runs left`, stored(status, found)),
    section('page_visit: the last URLs of each user', 'npx millrace show recent-urls', recentUrls(found)),
    section("app_action: each action with its user's activity", 'npx millrace report enriched-actions --show', actions(found)),
    section('user_record: countries per minute', 'npx millrace show country-minutes', countryMinutes(found)),
    section('interaction: one document per event', `${rawEvents}, KEY: readKey of ${LOCAL_OUTPUTS}`, interactions(found)),
    section('reading: the newest minutes of each device', 'npx millrace show device-minutes', deviceMinutes(found)),
    section('reading: 95th percentile of event_duration', 'npx millrace report duration-p95 --show', p95(found)),
    section('Where to look next', '', next(console)),
  ].join('\n\n')
}

function sentLines(sent: readonly SentLines[]): string {
  const total = (count: (each: SentLines) => number): number => sent.reduce((sum, each) => sum + count(each), 0)
  const lines = total(each => each.lines)
  const repeated = total(each => each.repeated)
  return [
    formatTable(sent, ['events', 'lines', 'repeated', 'accepted', 'quarantined']),
    `${lines} lines = ${lines - repeated} different ones + ${repeated} repeated on purpose, as clients do that retry`,
    `${lines} lines = ${total(each => each.accepted)} accepted + ${total(each => each.quarantined)} quarantined: some lines are damaged on purpose`,
  ].join('\n')
}

/** The distinct events, documents and quarantined lines. Each of them counts once, however often it was sent. */
function stored({ accepted, indexed, quarantined }: Status, { rawEvents }: Found): string {
  return [
    `${accepted} distinct events, each once in the stream, the states and the archive: a repeated event does not count again`,
    `${indexed} documents in OpenSearch = ${rawEvents.length} events + ${indexed - rawEvents.length} states and windows of the projections`,
    `${quarantined} distinct quarantined lines: a line that was quarantined twice is one item`,
  ].join('\n')
}

const section = (title: string, command: string, body: string): string => `${heading(title)}  ${quiet(command)}\n${indent(body)}`

function recentUrls({ recentUrls: documents }: Found): string {
  const rows = documents
    .slice(0, SHOWN)
    .map(({ id, last_5_urls }) => ({ user: id, 'newest first': last_5_urls.map(path).join('  ') }))
  return formatTable(rows, ['user', 'newest first']) + more(documents.length)
}

const path = (url: string): string => (URL.canParse(url) ? new URL(url).pathname : url)
const more = (count: number): string => (count > SHOWN ? `\n${quiet(`… and ${count - SHOWN} more`)}` : '')

function actions({ enrichedActions: rows }: Found): string {
  const columns = ['event_time', 'user_id', 'app_name', 'event_action', 'event_value', 'u_count', 'u_mp_ea']
  return formatTable(rows.slice(0, SHOWN), columns) + more(rows.length)
}

function countryMinutes({ countryMinutes: documents }: Found): string {
  const rows = documents
    .slice(0, SHOWN)
    .map(({ most, ...minute }) => ({ ...minute, most: `${most.countries.join(', ')} (${most.count})` }))
  return formatTable(rows, ['window_start', 'events', 'unique_users', 'females', 'most']) + more(documents.length)
}

function interactions({ interactions: documents }: Found): string {
  const kinds = Map.groupBy(documents, ({ eventId }) => (eventId === null ? 'without an eventId' : 'with an eventId'))
  return [...kinds].map(([kind, of]) => `${of.length} ${kind}`).join(', ')
}

function deviceMinutes({ deviceMinutes: documents }: Found): string {
  const columns = ['window_start', 'device_id', 'num_events', 'avg_temperature', 'avg_event_duration']
  return formatTable(documents.slice(0, SHOWN), columns) + more(documents.length)
}

function p95({ p95ByType: rows }: Found): string {
  const newest = rows.toSorted((a, b) => (a.date > b.date ? -1 : 1)).slice(0, SHOWN)
  return formatTable(
    newest.map(row => ({ ...row, device_type: row.group, p95: row.event_duration_p95 })),
    ['date', 'device_type', 'num_events', 'kept', 'mean', 'stddev', 'p95'],
  )
}

const next = (console: string | undefined): string =>
  [
    ...(console === undefined ? [] : [console]),
    `npx millrace quarantine list  ${quiet('quarantined events, each with the reason')}`,
    `npx millrace user device-1  ${quiet('everything stored about one device')}`,
    `npx millrace simulate readings --rate 100  ${quiet('more events')}`,
  ].join('\n')
