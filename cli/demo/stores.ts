import type { Client } from '@opensearch-project/opensearch'
import { searchOf } from '../clients.ts'
import { quarantineStoresOf, scanQuarantine } from '../quarantine/scan.ts'
import { documentsOf } from '../query.ts'
import { prefixesOf, type ReportResult, rowsBelow } from '../report.ts'
import { archiveReader } from '../status/archive.ts'
import type { Target } from '../target.ts'
import type { EnrichedAction, UserActivity } from './independent/actions.ts'
import type { Found } from './independent/compare.ts'
import type { InteractionDocument } from './independent/interactions.ts'
import type { DeviceMinute, P95 } from './independent/readings.ts'
import type { CountryMinute } from './independent/records.ts'
import type { RecentUrls } from './independent/visits.ts'

const DOCUMENTS_PER_PAGE = 10_000

/** The results of the report runs. */
export interface Published {
  readonly durationP95: ReportResult
  readonly enrichedActions: ReportResult
}

/** Reads everything that the stores of a target with OpenSearch hold, and the rows that the reports published. */
export async function readStores(target: Target, { durationP95, enrichedActions }: Published): Promise<Found> {
  const search = await searchOf(target)
  const archived = await archiveReader(target)()
  const raw = search ? await readRawEvents(search) : []
  const prefixes = 'prefixes' in durationP95 ? durationP95.prefixes : {}
  const documents = async <T>(projection: string) => ((await documentsOf(target, projection)) ?? []) as readonly T[]
  return {
    identities: [...archived].map(identity => JSON.stringify((JSON.parse(identity) as unknown[]).slice(1))),
    rawEvents: raw.map(({ event_type, subject, event_id }) => JSON.stringify([event_type, subject, event_id])),
    quarantined: (await scanQuarantine(quarantineStoresOf(target))).length,
    recentUrls: await documents<RecentUrls>('recent-urls'),
    userActivity: await documents<UserActivity>('user-activity'),
    enrichedActions: (await rowsBelow(target, prefixesOf(enrichedActions)[0] ?? '')).map(toAction),
    countryMinutes: await documents<CountryMinute>('country-minutes'),
    interactions: raw.filter(({ event_type }) => event_type === 'interaction'),
    deviceMinutes: await documents<DeviceMinute>('device-minutes'),
    p95ByType: (await rowsBelow(target, prefixes['by_type'] ?? '')).map(row => toP95(row, 'device_type')),
    p95ByDevice: (await rowsBelow(target, prefixes['by_device'] ?? '')).map(row => toP95(row, 'device_id')),
  }
}

type RawEvent = InteractionDocument & { readonly event_type: string; readonly subject: string | null }

async function readRawEvents(search: Client): Promise<RawEvent[]> {
  const _source = ['event_id', 'event_type', 'subject', 'eventType', 'eventValue', 'eventId']
  const found: RawEvent[] = []
  for await (const document of search.helpers.scrollDocuments<RawEvent>({ index: 'events-*', size: DOCUMENTS_PER_PAGE, _source }))
    found.push(document)
  return found
}

type Row = Readonly<Record<string, unknown>>

/** Converts a published row. The Parquet reader returns dates as Date and 64-bit integers as BigInt. */
const toP95 = (row: Row, group: string): P95 => ({
  date: (row['date'] as Date).toISOString().slice(0, 10),
  group: String(row[group]),
  num_events: Number(row['num_events']),
  kept: Number(row['kept']),
  mean: Number(row['mean']),
  stddev: Number(row['stddev']),
  event_duration_p95: Number(row['event_duration_p95']),
})

const toAction = (row: Row): EnrichedAction => ({
  ...(row as Row & EnrichedAction),
  user_id: Number(row['user_id']),
  event_value: row['event_value'] === null ? null : Number(row['event_value']),
  event_time: (row['event_time'] as Date).toISOString().replace('T', ' ').replace('Z', '000'),
  u_count: Number(row['u_count']),
})
