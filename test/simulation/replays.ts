import type { StreamRecord } from '../../lambdas/ingest/plan-records.ts'
import type { StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import { limits, RETENTION_MS } from './conditions.ts'
import type { Environment } from './environment.ts'
import type { Clients, Owner } from './invocations.ts'
import type { SimEvent } from './oracle.ts'
import type { Producer } from './producer.ts'
import { simProjections } from './projections.ts'

/** Replays that one run may begin. */
const MAX_REPLAYS = 6
/** Replays that one run may begin beside faults that are rare. */
const MAX_RARE_REPLAYS = 9
const EVENTS_PER_REPLAY = 4

const codes: ReadonlySet<string> = new Set([
  'invalid_event',
  'projection_failed',
  'state_too_large',
  'retry_budget_spent',
  'record_unread',
  'not_merged',
])

/** Replays quarantined events and deltas with the product's replay function. It may break off like any other function. */
export class Replays {
  private readonly environment: Environment
  private readonly producer: Producer
  private begun = 0

  constructor(environment: Environment, producer: Producer) {
    this.environment = environment
    this.producer = producer
  }

  private candidates(): StoredQuarantinedEvent[] {
    return this.environment.quarantine.events().filter(({ code }) => codes.has(code))
  }

  isPossible(): boolean {
    const { conditions, expired, meetings } = this.environment
    const most = expired.size > 0 || meetings.isOpen('hang') ? MAX_RARE_REPLAYS : MAX_REPLAYS
    return conditions.replays && this.begun < most && this.candidates().length > 0
  }

  /** Begins to replay some of what is quarantined of one user. */
  start(): void {
    const { choices, invocations } = this.environment
    this.begun += 1
    const kinds = Object.values(Object.groupBy(this.candidates(), kindOf))
    const first = choices.pick(choices.pick(kinds))
    const user = userOfQuarantined(first)
    const mine = this.candidates().filter(event => userOfQuarantined(event) === user)
    const events = [first, ...mine.filter(event => event !== first)].slice(0, 1 + choices.below(EVENTS_PER_REPLAY))
    this.noteReplay(user, events)
    const fail = () => this.environment.meetings.touch([user], 'replay broken off')
    const owner: Owner = { ended: () => {}, failed: fail }
    const updates = this.environment.deployment.updates
    const isOld = () => this.environment.deployment.updates > updates
    const keys = events.map(({ key }) => key)
    for (const key of keys) this.environment.replayedKeys.add(key)
    invocations.begin(`replay of ${keys.length} of ${user}`, this.replayFunction(keys), owner, { users: [user], isOld })
  }

  private noteReplay(user: string, events: readonly StoredQuarantinedEvent[]): void {
    const { meetings } = this.environment
    for (const { id, code } of events) {
      if (code === 'not_merged') meetings.touch([user], 'replayed delta')
      else meetings.touch([user], id === null ? 'replay without ids' : 'replay')
    }
  }

  private replayFunction(keys: readonly string[]): (clients: Clients) => Promise<unknown> {
    const { code, conditions, deployment } = this.environment
    const lifetime = { latenessMs: limits.latenessMs, retentionMs: RETENTION_MS }
    const now = () => this.environment.now
    return clients => {
      const { dynamodb, reader, putRecords } = clients
      const behaviour = this.environment.behaviour('replay', clients)
      const projections = simProjections(code, conditions, deployment.isNew('replay'), behaviour)
      const table = code.stateTable.stateTable('t', dynamodb)
      return code.replayEvents.replayEvents(
        { keys },
        {
          quarantine: reader,
          eventTypes: new Map(),
          keys: async () => [],
          signedTraits: false,
          put: async records => {
            await putRecords(records, record => this.put(record))
            return { positions: [], refused: [] }
          },
          writeDocument: undefined,
          mergeDelta: (delta, dryRun) => code.replayDelta.replayDelta(delta, { table, projections, lifetime, now, dryRun }),
          now,
        },
      )
    }
  }

  private put({ data }: StreamRecord): void {
    const events = this.environment.code.streamRecord.fromLines(data, new Map()).events as SimEvent[]
    const [first] = events
    if (first?.subject) this.producer.put({ user: first.subject, events, received: first.received, erasure: false })
  }
}

/** Replays choose a kind first: deltas, and events without ids, are fewer. */
function kindOf({ code, id }: StoredQuarantinedEvent): 'delta' | 'event' | 'without id' {
  if (code === 'not_merged') return 'delta'
  return id === null ? 'without id' : 'event'
}

function userOfQuarantined({ form, body }: StoredQuarantinedEvent): string {
  const { user, subject = user } = JSON.parse(body) as { readonly user?: string; readonly subject?: string }
  if (subject === undefined) throw new Error(`A quarantined event of the form ${form} has no user.`)
  return subject
}
