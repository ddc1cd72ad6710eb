import { type Action, type EnrichedAction, enrichedActions, isAction, type UserActivity, userActivity } from './actions.ts'
import { type Interaction, type InteractionDocument, interactionDocuments, isInteraction } from './interactions.ts'
import { parse, type Row, type SentFile } from './lines.ts'
import { type DeviceMinute, deviceMinutes, isReading, type P95, p95ByDevice, p95ByType, type Reading } from './readings.ts'
import { type CountryMinute, countryMinutes, isRecord, type UserRecord, userOfRecord } from './records.ts'
import { isVisit, type RecentUrls, recentUrls, type Visit } from './visits.ts'

/** What every store must hold, computed from the lines sent and the specification alone. */
export interface Expected {
  /** Distinct events: type, user and id. */
  readonly identities: ReadonlySet<string>
  /** Distinct lines that must be quarantined. */
  readonly quarantined: number
  readonly recentUrls: readonly RecentUrls[]
  readonly userActivity: readonly UserActivity[]
  readonly enrichedActions: readonly EnrichedAction[]
  readonly countryMinutes: readonly CountryMinute[]
  readonly interactions: readonly InteractionDocument[]
  readonly deviceMinutes: readonly DeviceMinute[]
  readonly p95ByType: readonly P95[]
  readonly p95ByDevice: readonly P95[]
}

const isUsable: Readonly<Record<SentFile['type'], (row: Row) => boolean>> = {
  page_visit: isVisit,
  app_action: isAction,
  user_record: isRecord,
  interaction: isInteraction,
  reading: isReading,
}

/** The user in a row: events of different users are different, whatever their ids. */
const userOf: Readonly<Record<SentFile['type'], (row: Row) => string | null>> = {
  page_visit: row => String(row['Id']),
  app_action: row => String(row['user_id']),
  user_record: userOfRecord,
  interaction: () => null,
  reading: row => String(row['device_id']),
}

/** `run` is the instant of the enriched-actions report, in milliseconds since 1970. */
export function recompute(files: readonly SentFile[], run: number): Expected {
  const events = new Map<string, Row & { type: SentFile['type'] }>()
  const rejected = new Set<string>()
  for (const { type, lines } of files) {
    for (const line of lines) {
      const row = parse(line)
      const identity = JSON.stringify([type, userOf[type](row), row['event_id']])
      if (!isUsable[type](row)) rejected.add(`${type} ${line}`)
      else if (!events.has(identity)) events.set(identity, { ...row, type })
    }
  }
  const byType = Map.groupBy(events.values(), ({ type }) => type)
  const rows = <T>(type: SentFile['type']): T[] => (byType.get(type) ?? []).map(({ type, ...row }) => row as T)
  const readings = rows<Reading>('reading')
  const actions = rows<Action>('app_action')
  return {
    identities: new Set(events.keys()),
    quarantined: rejected.size,
    recentUrls: recentUrls(rows<Visit>('page_visit')),
    userActivity: userActivity(actions),
    enrichedActions: enrichedActions(actions, run),
    countryMinutes: countryMinutes(rows<UserRecord>('user_record')),
    interactions: interactionDocuments(rows<Interaction>('interaction')),
    deviceMinutes: deviceMinutes(readings),
    p95ByType: p95ByType(readings),
    p95ByDevice: p95ByDevice(readings),
  }
}
