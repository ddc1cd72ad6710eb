import pLimit from 'p-limit'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Key } from '../../shared/keys.ts'
import type { ReplayOutcome, ReplayRequest, StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import { type Rejection, type RejectionCode, reject } from '../../shared/rejections.ts'
import type { UnmergedDelta } from '../../shared/unmerged-delta.ts'
import type { quarantineReader } from '../quarantine/dynamodb-read.ts'
import type { PutOutcome, StreamRecord } from './plan-records.ts'
import { needsKeys, packReplays, planReplay, type Replay, type ReplayRules } from './plan-replay.ts'
import { recordRejection } from './refused-records.ts'

const MAX_CONCURRENT_EVENTS = 32
/** Codes that are not about the event itself. They are returned, but not stored with the event. */
const TRANSIENT_CODES: ReadonlySet<RejectionCode> = new Set<RejectionCode>(['unavailable', 'search_off'])

type Quarantine = ReturnType<typeof quarantineReader>

export interface ReplayDependencies {
  readonly quarantine: Quarantine
  readonly eventTypes: ReadonlyMap<string, EventType>
  /** All keys that work now. Only called for events that their key was not permitted to send. */
  readonly keys: () => Promise<readonly Key[]>
  readonly signedTraits: boolean
  /** Stores the records that the stream accepts. Throws if it could not store one now. */
  readonly put: (records: readonly StreamRecord[]) => Promise<PutOutcome>
  /** Writes a document. Undefined: the stage has no OpenSearch. */
  readonly writeDocument: ((operation: BulkOperation) => Promise<Rejection | undefined>) | undefined
  readonly mergeDelta: (delta: UnmergedDelta, dryRun: boolean) => Promise<Rejection | undefined>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A quarantined event and how it is replayed, or why not. */
interface Attempt {
  readonly event: StoredQuarantinedEvent
  readonly replay: Replay
  readonly rejection: Rejection | undefined
}

/**
 * Replays quarantined events. An event leaves the quarantine once it is stored elsewhere. An event that is rejected again stays
 * there, with the new reason. Unknown keys are left out of the result.
 */
export async function replayEvents(
  { keys, dryRun = false }: ReplayRequest,
  dependencies: ReplayDependencies,
): Promise<ReplayOutcome[]> {
  const { quarantine, mergeDelta } = dependencies
  const limit = pLimit(MAX_CONCURRENT_EVENTS)
  // Deltas of one window are merged in their order and do not conflict.
  const inOrder = pLimit(1)
  const oneByOne = { ...dependencies, mergeDelta: (...call: Parameters<typeof mergeDelta>) => inOrder(() => mergeDelta(...call)) }
  const read = await limit.map(keys, key => quarantine.read(key))
  const events = read.filter(found => found !== undefined)
  const rules = await rulesFor(events, dependencies)
  const attempts = await limit.map(events, async (event): Promise<Attempt> => {
    const replay = planReplay(event, rules)
    return { event, replay, rejection: await tryReplay(replay, dryRun, oneByOne) }
  })
  if (dryRun) return attempts.map(outcomeOf)
  const marked = await limit.map(attempts, attempt => mark(attempt, dependencies))
  const done = await putReplays(marked, dependencies)
  await limit.map(done, attempt => settle(attempt, quarantine))
  return done.map(outcomeOf)
}

const rulesFor = async (
  events: readonly StoredQuarantinedEvent[],
  { eventTypes, keys, signedTraits }: ReplayDependencies,
): Promise<ReplayRules> => ({ eventTypes, signedTraits, keys: events.some(needsKeys) ? await keys() : [] })

/** Puts the events that nothing rejected. Those of a record that the stream never accepts are rejected. */
async function putReplays(attempts: readonly Attempt[], { put }: ReplayDependencies): Promise<readonly Attempt[]> {
  const records = packReplays(attempts.filter(({ rejection }) => rejection === undefined).map(({ replay }) => replay))
  const { refused } = await put(records)
  const reasons = new Map(refused.map(({ record, reason }) => [record, reason]))
  const rejections = new Map(
    records.flatMap(record => {
      const reason = reasons.get(record)
      return reason === undefined ? [] : record.origins.map(replay => [replay, recordRejection(reason)] as const)
    }),
  )
  return rejections.size === 0
    ? attempts
    : attempts.map(attempt => ({ ...attempt, rejection: attempt.rejection ?? rejections.get(attempt.replay) }))
}

/** Why an event must stay in quarantine. Unless it is a dry run, writes the event's document or merges its delta, if any. */
async function tryReplay(
  replay: Replay,
  dryRun: boolean,
  { writeDocument, mergeDelta }: ReplayDependencies,
): Promise<Rejection | undefined> {
  if (replay.kind === 'refuse') return replay.rejection
  if (replay.kind === 'put') return undefined
  if (replay.kind === 'merge') return mergeDelta(replay.delta, dryRun)
  if (!writeDocument) return reject('search_off')
  return dryRun ? undefined : writeDocument(replay.operation)
}

/** Marks an event before it is put. A replay that breaks off after the put leaves the mark, so that the next one can warn. */
async function mark(attempt: Attempt, { quarantine, now }: ReplayDependencies): Promise<Attempt> {
  const { event, replay, rejection } = attempt
  if (replay.kind !== 'put' || rejection || (await quarantine.markSent(event, now()))) return attempt
  return {
    ...attempt,
    rejection: reject('unavailable', 'It was quarantined again or removed meanwhile; list it and replay it again.'),
  }
}

/** Removes a replayed event from the quarantine, or stores why it was rejected this time. */
async function settle({ event, replay, rejection }: Attempt, quarantine: Quarantine): Promise<void> {
  if (rejection && !TRANSIENT_CODES.has(rejection.code)) await quarantine.amend(event.key, rejection)
  if (rejection || (await quarantine.remove(event)) || replay.kind !== 'put') return
  await quarantine.noteReplayed(event)
}

const outcomeOf = ({ event: { key }, rejection }: Attempt): ReplayOutcome =>
  rejection ? { key, replayed: false, code: rejection.code, message: rejection.message } : { key, replayed: true }
