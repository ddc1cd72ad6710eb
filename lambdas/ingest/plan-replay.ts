import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Envelope } from '../../shared/envelope.ts'
import type { Event } from '../../shared/event.ts'
import type { EventType } from '../../shared/event-type.ts'
import { parseExact } from '../../shared/exact-json.ts'
import type { Sender } from '../../shared/key-rights.ts'
import type { Key } from '../../shared/keys.ts'
import { type StoredQuarantinedEvent, unrecognisedLine } from '../../shared/quarantine.ts'
import { isRejection, type Rejection, type RejectionCode, reject } from '../../shared/rejections.ts'
import { describeError } from '../../shared/safe-error.ts'
import { fromLine, toLine, withoutReaderMark } from '../../shared/stream-record.ts'
import { parseUnmerged, type UnmergedDelta } from '../../shared/unmerged-delta.ts'
import { acceptAgain, wasAccepted } from './accept-again.ts'
import { classifyElements } from './classify-elements.ts'
import { type PackedRecord, packLines, partitionKeyOf, recordGroupOf } from './plan-records.ts'
import { type Copies, copiesOf, idOf, type LineRoom } from './replay-copies.ts'

/** How to replay a quarantined event. */
export type Replay =
  /** Put its lines into the stream: one for each time it was quarantined if it has no id, else one. Lines of an earlier replay are left out. */
  | {
      readonly kind: 'put'
      readonly partitionKey: string
      /** Lines of one group may share a record. */
      readonly group: string
      readonly received: number
      readonly position: number
      readonly lines: readonly string[]
      /** How many of its occurrences are in the stream when these lines are put. The others are left to the next replay. */
      readonly upTo: number
    }
  /** Write its document to OpenSearch. */
  | { readonly kind: 'write'; readonly operation: BulkOperation }
  /** Merge its delta into its window. */
  | { readonly kind: 'merge'; readonly delta: UnmergedDelta }
  /** It cannot be replayed. */
  | { readonly kind: 'refuse'; readonly rejection: Rejection }

type EventTypes = ReadonlyMap<string, EventType>

const NOT_REPLAYABLE = ' It cannot be replayed;'
const BODY_IS_GONE =
  'Its text is not in the bucket of the quarantine: it expired there, or the event was removed meanwhile. Try again; if nothing changes, discard it with `npx millrace quarantine discard`.'

/** What a replay validates events with. */
export interface ReplayRules {
  readonly eventTypes: EventTypes
  /** The keys that work now. */
  readonly keys: readonly Key[]
  /** Whether `user_traits` from a client key need the user's signature. */
  readonly signedTraits: boolean
}

/** Codes of events that their key was not permitted to send. Only these are judged again by the rights of keys. */
const RIGHTS_CODES: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  'source_not_allowed',
  'type_not_allowed',
  'signature_invalid',
])

/** Whether a replay of the event judges the rights of keys. */
export const needsKeys = ({ code }: Pick<StoredQuarantinedEvent, 'code'>): boolean => RIGHTS_CODES.has(code)

/** Codes of deltas and documents, which are stored again where they are missing, in this order. They are not put into the stream. */
export const DIRECT_CODES: readonly RejectionCode[] = ['not_merged', 'document_refused']

export const isStoredDirectly = ({ code }: Pick<StoredQuarantinedEvent, 'code'>): boolean => DIRECT_CODES.includes(code)

/** Why an event cannot be replayed, whatever its body is. */
export function refusalOf({ code, message, size, form }: Omit<StoredQuarantinedEvent, 'body'>): Rejection | undefined {
  if (isStoredDirectly({ code })) return undefined
  // Its events are in the other stores, and replaying them would not restore the missed changes.
  if (code === 'changes_unread') return reject(code, message)
  if (size !== undefined) return reject(code, onlyBeginning(message))
  // The text or the bytes as sent. Their dialect is unknown, so they cannot be decoded again.
  return form === 'text' || form === 'base64' ? reject(code, notReplayable(message)) : undefined
}

/**
 * Validates a quarantined event with the current catalogue. It keeps its arrival time, the name of its key and its id. An event on
 * which code of the catalogue throws is refused: it must not stop the replay of others. It keeps its code, which decides how it is
 * judged the next time.
 */
export function planReplay(stored: StoredQuarantinedEvent, rules: ReplayRules, room?: LineRoom): Replay {
  try {
    return planOne(stored, rules, room)
  } catch (error) {
    const message = `The code of the type ${stored.type} threw ${describeError(error)}. Fix it, deploy, then replay the event.`
    return { kind: 'refuse', rejection: reject(stored.code, message) }
  }
}

function planOne(stored: StoredQuarantinedEvent, rules: ReplayRules, room: LineRoom | undefined): Replay {
  const { eventTypes } = rules
  const refusal = refusalOf(stored)
  if (refusal) return { kind: 'refuse', rejection: refusal }
  if (stored.bodyIsGone) return { kind: 'refuse', rejection: reject('unavailable', BODY_IS_GONE) }
  if (stored.code === 'document_refused') return writeAgain(stored)
  if (stored.code === 'not_merged') return { kind: 'merge', delta: parseUnmerged(stored.body) }
  if (stored.form === 'line') return lineAgain(stored, eventTypes)
  const result = validate(stored, rules)
  if (isRejection(result)) return { kind: 'refuse', rejection: result }
  return put(
    copiesOf(result, stored, event => toLine(event, eventTypes.get(event.type)), room),
    stored,
  )
}

/** A line that today's readers would not recognise is refused: it would come back, and must not stop the replay of others. */
function lineAgain(stored: StoredQuarantinedEvent, eventTypes: EventTypes): Replay {
  try {
    const first = fromLine(withoutReaderMark(stored.body).line, eventTypes)
    return put({ first, lines: [stored.body], upTo: stored.count }, stored)
  } catch {
    return { kind: 'refuse', rejection: reject('invalid_event', notReplayable(unrecognisedLine(stored.body, 0).message)) }
  }
}

/** A document that its projection could not make has no operation to repeat. */
function writeAgain({ code, message, body }: StoredQuarantinedEvent): Replay {
  const operation = parseExact(body) as Partial<BulkOperation>
  return operation.action === undefined
    ? { kind: 'refuse', rejection: reject(code, message) }
    : { kind: 'write', operation: operation as BulkOperation }
}

const put = ({ first, lines, upTo }: Copies, { position = 0 }: StoredQuarantinedEvent): Replay => ({
  kind: 'put',
  partitionKey: partitionKeyOf(first),
  group: recordGroupOf(first),
  received: first.received,
  position,
  lines,
  upTo,
})

/** Validates an event by the rights of the key that sent it, or of the keys that have its name now if it was not permitted. */
function validate(stored: StoredQuarantinedEvent, rules: ReplayRules): Event | Rejection {
  if (!needsKeys(stored)) return validateFor(asJudged(stored), stored, rules)
  const results = namesakes(stored, rules).map(sender => validateFor(sender, stored, rules))
  return (
    results.find(result => !isRejection(result)) ??
    results.find(result => !RIGHTS_CODES.has((result as Rejection).code)) ??
    results[0] ??
    reject(stored.code, stored.message)
  )
}

/** The key of an event whose type and source it was permitted to send. It may be revoked by now. */
const asJudged = ({ keyName, keyId, clientSource }: StoredQuarantinedEvent): Sender => ({
  id: keyId,
  name: keyName,
  scope: clientSource === undefined ? 'write' : 'client',
  source: clientSource ?? keyName,
  sources: '*',
  types: '*',
  secret: undefined,
  signedTraits: false,
})

/** The keys with the name of the one that sent the event. They have its rights, and the event keeps its key. */
const namesakes = ({ keyName, keyId, clientSource }: StoredQuarantinedEvent, { keys, signedTraits }: ReplayRules): Sender[] =>
  keys
    .filter(
      ({ name, scope, source }) =>
        name === keyName && (clientSource === undefined ? scope !== 'client' : scope === 'client' && source === clientSource),
    )
    .map(key => ({ ...key, id: keyId, signedTraits }))

function validateFor(sender: Sender, stored: StoredQuarantinedEvent, { eventTypes }: ReplayRules): Event | Rejection {
  const { received, body } = stored
  const arrival = { eventTypes, sender, received, defaultId: () => idOf(stored) }
  if (wasAccepted(stored)) return acceptAgain(body, arrival)
  const envelope = parseExact(body) as Envelope
  const { events, quarantined } = classifyElements([{ index: 0, envelope, text: body }], arrival)
  const [rejected] = quarantined
  return rejected ? reject(rejected.event.code, rejected.event.message) : (events[0] as Event)
}

const onlyBeginning = (message: string): string =>
  message.includes(NOT_REPLAYABLE) ? message : `${message}${NOT_REPLAYABLE} send a shorter event.`

/** Appends the hint only once: the message is stored and passes through here at every attempt to replay. */
const notReplayable = (message: string): string =>
  message.includes(NOT_REPLAYABLE) ? message : `${message}${NOT_REPLAYABLE} fix it and send it again.`

/** Packs the lines to put into records, earlier arrivals first, and in the order of their request. As in ingest, a record has one user's lines of one arrival. */
export function packReplays(replays: readonly Replay[]): PackedRecord<Replay>[] {
  const puts = replays.filter(replay => replay.kind === 'put').sort((a, b) => a.received - b.received || a.position - b.position)
  const groups = Map.groupBy(puts, ({ group, received }) => `${received} ${group}`)
  return [...groups.values()].flatMap(group =>
    packLines(
      group[0]?.partitionKey ?? '',
      group.flatMap(replay => replay.lines.map(line => ({ line, origin: replay }))),
    ),
  )
}
