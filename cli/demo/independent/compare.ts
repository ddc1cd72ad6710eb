import type { EnrichedAction, UserActivity } from './actions.ts'
import type { InteractionDocument } from './interactions.ts'
import type { Row } from './lines.ts'
import type { DeviceMinute, P95 } from './readings.ts'
import type { Expected } from './recompute.ts'
import type { CountryMinute } from './records.ts'
import type { RecentUrls } from './visits.ts'

/** Relative error allowed for an average: the order of addition is not guaranteed. */
const TOLERANCE = 1e-9

/** What the stores hold. */
export interface Found {
  /** Distinct events of the archive: type, user and id. */
  readonly identities: readonly string[]
  /** Documents of single events in OpenSearch: type, user and id. */
  readonly rawEvents: readonly string[]
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

/** Compares the stores with what they must hold. Returns one sentence per store that differs, about its first difference. */
export function differences(expected: Expected, found: Found): string[] {
  const ids = (identities: Iterable<string>) => [...identities].map(identity => ({ identity }))
  const count = (quarantined: number) => [{ what: 'events', quarantined }]
  return [
    firstDifference('archive', ids(expected.identities), ids(found.identities), ['identity']),
    firstDifference('raw events', ids(expected.identities), ids(found.rawEvents), ['identity']),
    firstDifference('quarantine', count(expected.quarantined), count(found.quarantined), ['what']),
    firstDifference('recent-urls', expected.recentUrls, found.recentUrls, ['id']),
    firstDifference('user-activity', expected.userActivity, found.userActivity, ['user_id']),
    firstDifference('enriched-actions', expected.enrichedActions, found.enrichedActions, ['user_id', 'event_id']),
    firstDifference('country-minutes', expected.countryMinutes, found.countryMinutes, ['window_start']),
    firstDifference('interactions', expected.interactions, found.interactions, ['event_id']),
    firstDifference('device-minutes', expected.deviceMinutes, found.deviceMinutes, ['device_id', 'window_start']),
    firstDifference('duration-p95 by type', expected.p95ByType, found.p95ByType, ['date', 'group']),
    firstDifference('duration-p95 by device', expected.p95ByDevice, found.p95ByDevice, ['date', 'group']),
  ].filter(difference => difference !== undefined)
}

/** Describes the first row that is missing, unexpected or different; undefined if both hold the same rows. `key` are the fields that identify a row. */
function firstDifference(
  what: string,
  expected: readonly object[],
  actual: readonly object[],
  key: readonly string[],
): string | undefined {
  const nameOf = (row: object): string => key.map(field => (row as Row)[field]).join(' ')
  const found = new Map(actual.map(row => [nameOf(row), row as Row]))
  if (found.size < actual.length) return `${what}: ${actual.length - found.size} rows are duplicates`
  for (const row of expected as readonly Row[]) {
    const other = found.get(nameOf(row))
    if (!other) return `${what} ${nameOf(row)}: expected ${JSON.stringify(row)}, found nothing`
    const field = Object.keys(row).find(name => !isSame(row[name], other[name]))
    if (field)
      return `${what} ${nameOf(row)}: ${field} should be ${JSON.stringify(row[field])} and is ${JSON.stringify(other[field])}`
    found.delete(nameOf(row))
  }
  const [surplus] = found.keys()
  return surplus === undefined ? undefined : `${what} ${surplus}: is stored but was not expected`
}

function isSame(expected: unknown, actual: unknown): boolean {
  if (typeof expected !== 'number' || typeof actual !== 'number') return JSON.stringify(expected) === JSON.stringify(actual)
  return Math.abs(actual - expected) <= TOLERANCE * Math.abs(expected)
}
