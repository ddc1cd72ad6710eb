import type { Event } from '../../shared/event.ts'
import type { MemoryRules } from '../../shared/memory/identity-memory.ts'
import type { Projection } from '../../shared/projection.ts'
import type { RejectionCode } from '../../shared/rejections.ts'
import type { EventPosition } from '../../shared/state.ts'
import type { LatenessBound } from './lateness.ts'

/** A record of the event stream: events of one user in order, or the erasure of that user. The fold reads no other time than these two. */
export interface UserRecord {
  readonly sequenceNumber: string
  /** When ingest received its events, milliseconds since 1970. A replay of quarantined events keeps it. */
  readonly received: number
  /** When it arrived in the stream, milliseconds since 1970. */
  readonly arrived: number
  readonly events: readonly Event[]
  /** The position of the line of each event in the record. It is the same whatever the code folds. */
  readonly positions: readonly number[]
  readonly erasure: boolean
  /** By position: why an event is not folded. The function did not survive it, or its row is none. */
  readonly rejected?: ReadonlyMap<number, RejectionReason>
}

/** Why an event is not folded. */
export interface RejectionReason {
  readonly code: Extract<RejectionCode, 'projection_failed' | 'state_too_large' | 'retry_budget_spent' | 'invalid_event'>
  /** What failed in which projection, without event data. */
  readonly reason?: string
}

export interface FoldRules extends LatenessBound {
  readonly projections: readonly Projection[]
  readonly memory: MemoryRules
  /** How long after its arrival a record can be delivered. An erased item is kept longer than that. */
  readonly retentionMs: number
}

/** An event that could not be folded, to be quarantined. */
export interface FoldRejection extends RejectionReason {
  readonly event: Event
  readonly at: EventPosition
}
