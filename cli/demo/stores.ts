import type { Found } from '../../test/scenarios/independent/compare.ts'
import type { DeviceMinute, P95, RecentUrls } from '../../test/scenarios/independent/recompute.ts'
import { dynamodbOf, s3Of } from '../clients.ts'
import { scanQuarantine } from '../quarantine.ts'
import { documentsOf } from '../query.ts'
import { type ReportAnswer, rowsBelow } from '../report.ts'
import { archiveReader } from '../status/archive.ts'
import type { Target } from '../target.ts'

/** Everything that the stores of a target hold, and what a run of the report published. */
export async function readStores(target: Target, report: ReportAnswer): Promise<Found> {
  const { outputs } = target
  const archived = await archiveReader(s3Of(target), outputs.ArchiveBucket)()
  const prefixes = 'prefixes' in report ? report.prefixes : {}
  return {
    identities: [...archived].map(identity => (JSON.parse(identity) as string[]).slice(1).join(' ')),
    quarantined: (await scanQuarantine(dynamodbOf(target), outputs.QuarantineTable)).length,
    recentUrls: ((await documentsOf(target, 'recent-urls')) ?? []) as unknown as RecentUrls[],
    deviceMinutes: ((await documentsOf(target, 'device-minutes')) ?? []) as unknown as DeviceMinute[],
    p95ByType: (await rowsBelow(target, prefixes['by_type'] ?? '')).map(row => toP95(row, 'device_type')),
    p95ByDevice: (await rowsBelow(target, prefixes['by_device'] ?? '')).map(row => toP95(row, 'device_id')),
  }
}

/** A published row; Parquet's dates are Dates and its bigints BigInts. */
const toP95 = (row: Readonly<Record<string, unknown>>, group: string): P95 => ({
  date: (row['date'] as Date).toISOString().slice(0, 10),
  group: String(row[group]),
  num_events: Number(row['num_events']),
  kept: Number(row['kept']),
  mean: Number(row['mean']),
  stddev: Number(row['stddev']),
  event_duration_p95: Number(row['event_duration_p95']),
})
