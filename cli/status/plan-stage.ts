import type { GetMetricDataCommandInput, MetricDataResult } from '@aws-sdk/client-cloudwatch'
import type { FunctionName } from '../../shared/environment.ts'
import { partsOfKind } from '../../shared/grains/grains.ts'
import type { MetricName } from '../../shared/metrics.ts'
import { type Projection, projectionKey } from '../../shared/projection.ts'
import { type PartItem, type UserItem, userHash } from '../../shared/state.ts'
import type { Status } from './settled.ts'
import type { Arrivals } from './stream-tail.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** CloudWatch keeps sums of an hour, and so of a day, this long. */
const METRIC_DAYS = 455
/** A reader that fails tries again at least this often. */
const UNREAD_MS = 10 * MINUTE_MS
/** Of a busy stage, the events of one minute are compared; of another one, those of 15 minutes. */
const BUSY_EVENTS = 10_000
const BUSY_MS = MINUTE_MS
const QUIET_MS = 15 * MINUTE_MS

/** What CloudWatch knows of a stage. Its newest minutes may be missing. */
export interface MetricFacts {
  /** All events that were accepted, without the re-deliveries that the state function recognised. */
  readonly accepted: number
  /** Events that were accepted in the last 15 minutes. */
  readonly recent: number
  /** The first arrival of what a failing reader left unread in the last minutes, in milliseconds since 1970; undefined if none did. */
  readonly unreadFrom: number | undefined
}

const SUMS: Readonly<Record<string, readonly [FunctionName, MetricName]>> = {
  accepted: ['ingest', 'EventsAccepted'],
  replayed: ['replay', 'EventsReplayed'],
  repeated: ['state', 'EventsRepeated'],
}
const READERS: readonly FunctionName[] = ['state', 'windows', 'index-documents', 'index-events']

/** The queries of CloudWatch's GetMetricData: sums of all time, sums of the last 15 minutes, and ages of the last minutes. */
export function planMetrics(namespace: string, now: number): Record<'sums' | 'recent', GetMetricDataCommandInput> {
  const query = (Id: string, service: FunctionName, MetricName: MetricName, Stat: string, Period: number) => ({
    Id,
    MetricStat: {
      Metric: { Namespace: namespace, MetricName, Dimensions: [{ Name: 'service', Value: service }] },
      Period,
      Stat,
    },
  })
  const EndTime = new Date(now + MINUTE_MS)
  return {
    sums: {
      StartTime: new Date(now - METRIC_DAYS * DAY_MS),
      EndTime,
      MetricDataQueries: Object.entries(SUMS).map(([id, [service, name]]) => query(id, service, name, 'Sum', DAY_MS / 1000)),
    },
    recent: {
      StartTime: new Date(now - QUIET_MS),
      EndTime,
      MetricDataQueries: [
        query('recent', 'ingest', 'EventsAccepted', 'Sum', MINUTE_MS / 1000),
        ...READERS.map((reader, n) => query(`unread_${n}`, reader, 'UnreadSeconds', 'Maximum', MINUTE_MS / 1000)),
      ],
    },
  }
}

export function metricFacts(results: readonly MetricDataResult[], now: number): MetricFacts {
  const valuesOf = (id: string): readonly number[] => results.find(({ Id }) => Id === id)?.Values ?? []
  const sum = (id: string): number => valuesOf(id).reduce((total, value) => total + value, 0)
  const unread = results
    .filter(({ Id = '' }) => Id.startsWith('unread_'))
    .flatMap(({ Timestamps = [], Values = [] }) => Values.map((age, i) => ({ minute: Timestamps[i]?.getTime() ?? 0, age })))
    .filter(({ minute }) => minute >= now - UNREAD_MS)
  return {
    accepted: sum('accepted') + sum('replayed') - sum('repeated'),
    recent: sum('recent'),
    unreadFrom: unread.length === 0 ? undefined : Math.min(...unread.map(({ minute, age }) => minute - age * 1000)),
  }
}

/** The arrivals that are compared with the stores, at `now`: the newest, and what a reader left unread if that is not long ago. */
export function arrivalsAt(now: number, { recent, unreadFrom = now }: MetricFacts): Arrivals {
  const newest = now - (recent > BUSY_EVENTS ? BUSY_MS : QUIET_MS)
  return { from: Math.max(now - QUIET_MS, Math.min(newest, unreadFrom)), to: now }
}

/** True if each window contains what the last write of each user adds to it. */
export function deltasAreMerged(
  users: Iterable<UserItem>,
  parts: readonly PartItem[],
  projections: readonly Projection[],
): boolean {
  const merged = new Map(
    parts.flatMap(item =>
      [...(partsOfKind(item.kind)?.mergedOrders(item) ?? [])].map(([hash, order]) => [deltaText(hash, item), order] as const),
    ),
  )
  const known = new Set(projections.map(projectionKey))
  for (const { user, outbox, erasedOrder } of users)
    for (const delta of outbox)
      if (known.has(delta.projection) && delta.order > erasedOrder)
        if ((merged.get(deltaText(userHash(user), delta)) ?? 0) < delta.order) return false
  return true
}

const deltaText = (hash: string, { projection, start }: Pick<PartItem, 'projection' | 'start'>): string =>
  JSON.stringify([hash, projection, start])

/** How many of the newest events of a stage each store has. */
export interface Newest {
  /** The first and the last arrival that was compared, as RFC 3339. */
  readonly from: string
  readonly to: string
  /** The stream was read up to `to`. */
  readonly streamRead: boolean
  readonly events: number
  readonly folded: number
  readonly archived: number
  /** The windows have what these events add to them. */
  readonly windowsMerged: boolean
  /** Documents of these events and their users that OpenSearch lacks, or has in an older version. */
  readonly documentsMissing: number
}

/** The status of a deployed stage. It is not read from all events, so it says what is exact and what is estimated. */
export interface StageStatus extends Status {
  readonly exact: readonly string[]
  readonly estimated: readonly string[]
  readonly newest: Newest
  /** Names of the alarms of the stage that are on. */
  readonly alarms: readonly string[]
}

export interface StageFacts {
  readonly metrics: MetricFacts
  readonly newest: Newest
  /** Documents in OpenSearch, of any version. */
  readonly documents: number
  readonly quarantined: number
  readonly alarms: readonly string[]
}

/**
 * The status of a stage. Each reader passes the records of a shard in their order, so a store that has the newest events has the
 * earlier ones; a reader that leaves older ones unread says so in its metric, or in its alarm.
 */
export function stageStatus({ metrics, newest, documents, quarantined, alarms }: StageFacts): StageStatus {
  const comparedFrom = Date.parse(newest.from)
  const hasAll =
    newest.streamRead &&
    newest.folded === newest.events &&
    newest.archived === newest.events &&
    newest.windowsMerged &&
    newest.documentsMissing === 0
  // CloudWatch's newest minutes may be missing, but not the events that were just read.
  const accepted = Math.max(metrics.accepted, newest.events)
  return {
    settled: hasAll && (metrics.unreadFrom ?? comparedFrom) >= comparedFrom && !alarms.some(isReaderAlarm),
    accepted,
    folded: accepted - (newest.events - newest.folded),
    archived: accepted - (newest.events - newest.archived),
    indexed: documents,
    quarantined,
    exact: ['quarantined', 'newest'],
    estimated: ['settled', 'accepted', 'folded', 'archived', 'indexed'],
    newest,
    alarms,
  }
}

/** Alarms about a store that does not get all that was accepted. */
const isReaderAlarm = (name: string): boolean =>
  /^(state|windows|index-documents|index-events|archive)-(behind|errors|not-reading|unread)/.test(name)

/** The status as lines of text. */
export function stageSentences(status: StageStatus): string[] {
  const { settled, accepted, folded, archived, indexed, quarantined, newest, alarms } = status
  const { from, to, streamRead, events, windowsMerged, documentsMissing } = newest
  return [
    `${settled ? 'settled' : 'in progress'}: about ${accepted} accepted, ${folded} folded, ${archived} archived, ${indexed} documents indexed (estimated from CloudWatch and OpenSearch); ${quarantined} quarantined (exact)`,
    `compared (exact): the newest ${events} events of the stream from ${from} to ${to}${streamRead ? '' : ', which is not read to its end yet'}: ${newest.folded} folded, ${newest.archived} archived, windows ${windowsMerged ? 'complete' : 'incomplete'}, ${documentsMissing} documents missing`,
    ...(alarms.length > 0 ? [`alarms: ${alarms.join(', ')} (docs/runbook.md says what to do)`] : []),
  ]
}
