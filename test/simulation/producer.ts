import type { Event } from '../../shared/event.ts'
import { type QuarantinedEvent, quarantineKey } from '../../shared/quarantine.ts'
import type { Environment } from './environment.ts'
import type { Fault } from './meetings.ts'
import type { LogEntry } from './oracle.ts'
import { isAdded, type SimData, typeOf, WINDOW_SECONDS } from './projections.ts'

/** How long after its first attempt ingest may put a record repeated. */
const RETRY_MS = 6_000

/** The largest state of the projection `last`, without identities: its share of the item less the bytes that its key counts. */
const FULL_STATE_BYTES = 83_322

/** Puts records into the stream: new events, repeated ones and erasures. */
export class Producer {
  /** Records that are still to be produced. */
  left: number
  private readonly environment: Environment
  /** The position of each user's hash key, 0 to 99. */
  private readonly positions: Record<string, number>
  private eventCount = 0

  constructor(environment: Environment) {
    const { choices, conditions } = environment
    this.environment = environment
    this.left = conditions.records
    this.positions = { a: choices.below(100), b: choices.below(100), c: choices.below(100) }
  }

  produce(): void {
    const { choices, conditions, expired, log, now } = this.environment
    this.left -= 1
    const user = choices.pick(['a', 'a', 'b', 'a', 'b', 'c'])
    const received = now - choices.pick([0, 0, 0, 1000, 4000]) + choices.pick(conditions.skews)
    const earlier = log.filter(({ erasure }) => !erasure).slice(choices.pick([-6, -20]))
    const repeated = choices.pick([undefined, undefined, undefined, undefined, ...earlier])
    if (repeated && choices.chance(0.5)) {
      // A retry of ingest repeats the record; a retry of the client repeats the events.
      const isRecent = now - repeated.arrived <= RETRY_MS
      const events = isRecent && choices.chance(0.5) ? repeated.events : repeated.events.map(event => ({ ...event, received }))
      this.put({ user: repeated.user, events, received: events[0]?.received ?? received, erasure: false })
    } else if (conditions.erases && choices.chance(expired.size > 0 ? 0.5 : 0.15)) {
      this.put({ user, events: [], received, erasure: true })
    } else {
      const events = Array.from({ length: 1 + choices.below(3) }, () => this.anEvent(user, received))
      if (repeated?.user === user && repeated.events[0]) events.push({ ...repeated.events[0], received })
      this.put({ user, events, received, erasure: false })
    }
  }

  /** A client sends an event without an id that ingest rejects: once more one that is in quarantine, or a new one. */
  sendWithoutId(): void {
    const { choices, now, quarantine, withoutId } = this.environment
    const waiting = [...withoutId.keys()].flatMap(key => quarantine.items.get(key)?.event ?? [])
    const again = waiting.length > 0 && choices.chance(0.5) ? choices.pick(waiting) : undefined
    const event: QuarantinedEvent = { ...(again ?? this.anEventWithoutId()), received: now, count: 1 }
    const key = quarantineKey(event)
    withoutId.set(key, (withoutId.get(key) ?? 0) + 1)
    quarantine.add(event)
    this.environment.addTrace(`ingest rejects ${event.body} of ${key}`)
  }

  /** Equal events without an id are different bytes from those before: their number is in the data. */
  private anEventWithoutId(): QuarantinedEvent {
    const { choices, now } = this.environment
    const user = choices.pick(['a', 'b'])
    const { data } = this.anEvent(user, now)
    const envelope = { type: 'sim', subject: user, data: { ...data, number: this.eventCount } }
    const about = {
      code: 'invalid_event',
      message: 'The time is invalid.',
      type: 'sim',
      id: null,
      keyName: 's',
      form: 'envelope',
    } as const
    return { ...about, received: now, body: JSON.stringify(envelope) }
  }

  /** Notes what is special about a record. */
  private note({ user, events, erasure, received }: Pick<LogEntry, 'user' | 'events' | 'erasure' | 'received'>): void {
    const { log, meetings, now } = this.environment
    const touch = (fault: Fault, happens: boolean) => happens && meetings.touch([user], fault)
    touch('erasure', erasure)
    touch('added type', events.some(isAdded))
    touch('clock of ingest', Math.abs(received - now) > RETRY_MS)
    touch(
      'poison',
      events.some(({ data }) => data.poison || data.broken || data.hangs),
    )
    touch(
      'size limit',
      events.some(({ data }) => data.fill > 0 || data.width > 0 || data.weight > 0),
    )
    touch(
      'repeated record',
      events.some(({ id }) => log.some(other => other.events.some(each => each.id === id))),
    )
  }

  private anEvent(user: string, received: number): Event<SimData> {
    const { choices, conditions, meetings, now } = this.environment
    const isRare = (['expiry', 'delta given up', 'replayed delta'] as const).some(fault => meetings.isOpen(fault, [user]))
    const windowsAgo = choices.pick([0, 0, 0, 1, 1, 4, 6])
    const data: SimData = {
      at: Math.floor(now / 1000) - windowsAgo * WINDOW_SECONDS,
      value: choices.below(10),
      country: choices.pick(['F', 'G', 'I']),
      poison: choices.chance(conditions.deploys ? 0.3 : 0.06),
      broken: conditions.deploys && choices.chance(conditions.brokenShare),
      hangs: conditions.hangs && choices.chance(isRare ? 0.7 : 0.15),
      fill: conditions.heavy && choices.chance(0.3) ? FULL_STATE_BYTES - choices.below(100) : 0,
      weight: conditions.heavy ? choices.pick([0, 0, 30]) : 0,
      width: conditions.heavy ? choices.pick([0, 50]) : 0,
    }
    this.eventCount += 1
    const stated = choices.pick([undefined, 0, 3, 900].map(ago => (ago === undefined ? undefined : Math.floor(now / 1000) - ago)))
    const type = typeOf(conditions.deploys && choices.chance(conditions.addedShare))
    const event = { id: `e${this.eventCount}`, source: 's', type, subject: user, time: 0n, received, data }
    return stated === undefined ? event : { ...event, stated }
  }

  put({ user, events, received, erasure }: Omit<LogEntry, 'seq' | 'arrived' | 'givenUp'>): void {
    const { code, log, now, stream } = this.environment
    this.note({ user, events, received, erasure })
    const marker = { id: 'x', source: 's', type: code.event.ERASURE_TYPE, subject: user, time: 0n, received, data: null }
    const lines = (erasure ? [marker] : events).map(each => code.streamRecord.toLine(each, undefined))
    const seq = stream.put(this.positions[user] ?? 0, lines, now)
    log.push({ seq, user, events, received, arrived: now, erasure, givenUp: false })
    this.environment.addTrace(`producer puts ${seq} of ${user}: ${erasure ? 'erasure' : events.map(({ id }) => id)}`)
  }
}
