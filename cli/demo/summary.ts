import { styleText } from 'node:util'
import type { Found } from '../../test/scenarios/independent/compare.ts'
import type { Status } from '../status/settled.ts'
import { formatTable } from '../table.ts'

const SHOWN = 5

/** What a person needs to know of a demo that went well. */
export interface Story {
  readonly sent: readonly { readonly events: string; readonly lines: number; readonly seconds: number }[]
  readonly status: Status
  /** Seconds from the last request until everything had settled. */
  readonly settledAfter: number
  readonly found: Found
  readonly consoleUrl: string
}

const heading = (text: string): string => styleText('bold', text)
const quiet = (text: string): string => styleText('dim', text)
const indent = (text: string): string => text.replaceAll(/^/gm, '  ')

/** The demo's result as text for a terminal. */
export function summarise({ sent, status, settledAfter, found, consoleUrl }: Story): string {
  const { accepted, indexed, quarantined } = status
  const lines = sent.map(({ events, lines, seconds }) => `${lines} lines of ${events} in ${seconds.toFixed(1)} s`).join(', ')
  return [
    `${heading('Sent')}  ${lines}`,
    `${heading('Kept')}  ${accepted} distinct events in every store after ${settledAfter.toFixed(1)} s, ${indexed} documents, ${quarantined} lines kept aside`,
    section('Last addresses of each user', 'millrace show recent-urls', recentUrls(found)),
    section('Newest minutes of devices', 'millrace show device-minutes', deviceMinutes(found)),
    section('95th percentile of event_duration', 'millrace report duration-p95 --show', p95(found)),
    section('Where to look next', '', next(consoleUrl)),
  ].join('\n\n')
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

const next = (consoleUrl: string): string =>
  [
    `${consoleUrl}  ${quiet('the console')}`,
    `npx millrace quarantine list  ${quiet('what was kept aside, and why')}`,
    `npx millrace user device-1  ${quiet('all that is known of one device')}`,
    `npx millrace simulate readings --rate 100  ${quiet('more events')}`,
  ].join('\n')
