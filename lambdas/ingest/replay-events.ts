import pLimit from 'p-limit'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { EventType } from '../../shared/event-type.ts'
import type { Key } from '../../shared/keys.ts'
import type { ReplayOutcome, ReplayRequest, StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import { type Rejection, type RejectionCode, reject } from '../../shared/rejections.ts'
import { describeError } from '../../shared/safe-error.ts'
import type { UnmergedDelta } from '../../shared/unmerged-delta.ts'
import type { quarantineReader } from '../quarantine/dynamodb-read.ts'
import type { PutOutcome, StreamRecord } from './plan-records.ts'
import {
  DIRECT_CODES,
  isStoredDirectly,
  needsKeys,
  packReplays,
  planReplay,
  type Replay,
  type ReplayRules,
  refusalOf,
} from './plan-replay.ts'
import { recordRejection } from './refused-records.ts'
import { ROOM_PER_CALL, roomAfter } from './replay-copies.ts'
import { inGroups } from './replay-groups.ts'

const MAX_CONCURRENT_EVENTS = 32
/**
 * No document is begun later than this after the call began. One that waits for OpenSearch fails after 30 s, and the function ends
 * after 60 s.
 */
const DOCUMENTS_WITHIN_MS = 25_000
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

const NO_TIME =
  'The time of the call was up before the document could be written; replay it again, when OpenSearch is fast again.'

/** A quarantined event and how it is replayed, or why not. */
interface Attempt {
  readonly event: StoredQuarantinedEvent
  readonly replay: Replay
  readonly rejection: Rejection | undefined
}

/**
 * Replays quarantined events. An event leaves the quarantine once it is stored elsewhere. An event that is rejected again stays
 * there, with the new reason. Unknown keys are left out of the result. Events for the stream come first: documents may wait for
 * OpenSearch, and nothing must wait for them.
 */
export async function replayEvents(
  { keys, dryRun = false, bundled = [] }: ReplayRequest,
  dependencies: ReplayDependencies,
): Promise<ReplayOutcome[]> {
  const { quarantine, now } = dependencies
  const replayGroup = groupReplay(dryRun, dependencies, now() + DOCUMENTS_WITHIN_MS)
  const outcomes = new Map<string, ReplayOutcome>()
  const note = (attempts: readonly Attempt[]) => {
    for (const attempt of attempts) outcomes.set(attempt.event.key, outcomeOf(attempt, dryRun))
  }
  const direct: StoredQuarantinedEvent[] = []
  for await (const events of inGroups(keys, key => quarantine.read(key, isPut))) {
    direct.push(...events.filter(isStoredDirectly))
    note(await replayGroup(events.filter(event => !isStoredDirectly(event))))
  }
  for (const code of DIRECT_CODES) {
    const same = direct.filter(event => event.code === code).map(({ key }) => key)
    for await (const events of inGroups(same, key => quarantine.read(key))) note(await replayGroup(events))
  }
  if (dryRun) note(await replayGroup(bundled))
  return [...keys, ...bundled.map(({ key }) => key)].flatMap(key => outcomes.get(key) ?? [])
}

const isPut = (event: Omit<StoredQuarantinedEvent, 'body'>): boolean => !isStoredDirectly(event) && refusalOf(event) === undefined

/** Replays groups of events of one call. Their lines share the room of the call. */
function groupReplay(dryRun: boolean, dependencies: ReplayDependencies, documentsUntil: number) {
  const { quarantine } = dependencies
  const limit = pLimit(MAX_CONCURRENT_EVENTS)
  let room = ROOM_PER_CALL
  const plan = (event: StoredQuarantinedEvent, rules: ReplayRules): Attempt => {
    const replay = planReplay(event, rules, room)
    if (replay.kind === 'put') room = roomAfter(room, replay.lines)
    return { event, replay, rejection: replay.kind === 'refuse' ? replay.rejection : undefined }
  }
  return async (events: readonly StoredQuarantinedEvent[]): Promise<readonly Attempt[]> => {
    const rules = await rulesFor(events, dependencies)
    const planned = events.map(event => plan(event, rules))
    const attempts = await storeDirectly(planned, dryRun, dependencies, documentsUntil)
    if (dryRun) return attempts
    const marked = await limit.map(attempts, attempt => mark(attempt, dependencies))
    const done = await putReplays(marked, dependencies)
    await limit.map(done, attempt => settle(attempt, quarantine))
    return done
  }
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

/** Merges deltas and writes documents, unless it is a dry run. Deltas of one window are merged in their order and do not conflict. */
function storeDirectly(
  attempts: readonly Attempt[],
  dryRun: boolean,
  { writeDocument, mergeDelta, now }: ReplayDependencies,
  documentsUntil: number,
): Promise<Attempt[]> {
  const write = async (operation: BulkOperation): Promise<Rejection | undefined> => {
    if (!writeDocument) return reject('search_off')
    if (dryRun) return undefined
    return now() > documentsUntil ? reject('unavailable', NO_TIME) : writeDocument(operation)
  }
  const inOrder = pLimit(1)
  const store = async ({ replay, rejection }: Attempt): Promise<Rejection | undefined> => {
    if (replay.kind === 'merge') return inOrder(() => mergeDelta(replay.delta, dryRun))
    return replay.kind === 'write' ? write(replay.operation) : rejection
  }
  return pLimit(MAX_CONCURRENT_EVENTS).map(attempts, async attempt => {
    const rejection = await store(attempt).catch((error: unknown) => reject('unavailable', thrown(error)))
    return { ...attempt, rejection }
  })
}

const thrown = (error: unknown): string => `Storing it threw ${describeError(error)}. Replay it again.`

/** Marks an event before it is put. A replay that breaks off after the put leaves the mark, so that the next one can warn. */
async function mark(attempt: Attempt, { quarantine, now }: ReplayDependencies): Promise<Attempt> {
  const { event, replay, rejection } = attempt
  if (replay.kind !== 'put' || rejection || (await quarantine.markSent(event, now()))) return attempt
  return {
    ...attempt,
    rejection: reject(
      'unavailable',
      'It was quarantined again, replayed, unpacked or removed meanwhile; list it and replay it again.',
    ),
  }
}

/**
 * Removes an event from the quarantine if all its occurrences are replayed, notes how many are if they are not all, or stores why it
 * was rejected this time.
 */
async function settle({ event, replay, rejection }: Attempt, quarantine: Quarantine): Promise<void> {
  if (rejection && !TRANSIENT_CODES.has(rejection.code)) await quarantine.amend(event.key, rejection)
  if (rejection) return
  const isDone = remainingOf(event, replay) === 0 && (await quarantine.remove(event))
  if (!isDone && replay.kind === 'put') await quarantine.noteReplayed(event, replay.upTo)
}

const remainingOf = ({ count }: StoredQuarantinedEvent, replay: Replay): number =>
  replay.kind === 'put' ? Math.max(0, count - replay.upTo) : 0

function outcomeOf({ event, replay, rejection }: Attempt, dryRun: boolean): ReplayOutcome {
  const { key } = event
  if (rejection) return { key, replayed: false, code: rejection.code, message: rejection.message }
  const remaining = dryRun ? 0 : remainingOf(event, replay)
  return { key, replayed: true, ...(remaining > 0 && { remaining }) }
}
