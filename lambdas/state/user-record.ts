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
  readonly erasure: boolean
  /** Positions of events that are not folded, because the function did not survive them. */
  readonly fatal?: ReadonlySet<number>
}

export interface FoldRules extends LatenessBound {
  readonly projections: readonly Projection[]
  readonly memory: MemoryRules
  /** How long the streams keep records. An erased item is kept longer than that. */
  readonly retentionMs: number
}

/** An event that could not be folded, to be quarantined. */
export interface FoldRejection {
  readonly event: Event
  readonly at: EventPosition
  readonly code: Extract<RejectionCode, 'projection_failed' | 'state_too_large' | 'retry_budget_spent'>
  /** What failed in which projection, without event data. */
  readonly reason?: string
}
