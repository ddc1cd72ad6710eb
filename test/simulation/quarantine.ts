import { createHash } from 'node:crypto'
import type { quarantineReader } from '../../lambdas/quarantine/dynamodb-read.ts'
import { type QuarantinedEvent, quarantineKey, type ReadItem, type StoredQuarantinedEvent } from '../../shared/quarantine.ts'

export type QuarantineReader = ReturnType<typeof quarantineReader>

type Reads = 'read' | 'markSent' | 'noteReplayed' | 'remove' | 'amend'
/** The reader's methods, each carried out at once. */
export type ImmediateReader = { readonly [name in Reads]: (...parameters: Parameters<QuarantineReader[name]>) => unknown }

interface Item {
  event: StoredQuarantinedEvent
  /** The last token of each slot: an addition that is sent again counts once. */
  readonly tokens: Map<string, string>
}

/** The quarantine in memory, with the conditions of its table: equal events are one item with a count. */
export class SimQuarantine {
  readonly items = new Map<string, Item>()
  /** What was ever added, as `id code`. */
  readonly ever = new Set<string>()
  /** The deltas of windows that were ever added, as the bodies of their items. */
  readonly everUnmerged = new Set<string>()
  /** The ids of events that were ever added although they may have been folded. */
  readonly everDoubtful = new Set<string | null>()
  /** Documents that were ever added, as `index|id`. */
  readonly everRefused = new Set<string>()

  add(event: QuarantinedEvent): void {
    const key = quarantineKey(event)
    const token = createHash('sha256')
      .update(event.occurrence ?? String(Math.random()))
      .digest('hex')
    const item = this.items.get(key)
    if (item && event.occurrence !== undefined && item.tokens.get(token[0] ?? '') === token) return
    this.note(event)
    const count = event.count ?? 1
    if (item) item.event = { ...item.event, count: item.event.count + count }
    const { tokens } = item ?? this.create({ ...event, key, count, first: token })
    if (event.occurrence !== undefined) tokens.set(token[0] ?? '', token)
  }

  private note({ id, code, type, body, mayHaveBeenFolded }: QuarantinedEvent): void {
    if (mayHaveBeenFolded) this.everDoubtful.add(id)
    if (code === 'not_merged') this.everUnmerged.add(body)
    else if (code === 'document_refused') this.everRefused.add(`${type}|${id}`)
    else this.ever.add(`${id} ${code}`)
  }

  private create(event: StoredQuarantinedEvent): Item {
    const item = { event, tokens: new Map() }
    this.items.set(event.key, item)
    return item
  }

  /** The events of the items that are there now. */
  events(): StoredQuarantinedEvent[] {
    return [...this.items.values()].map(({ event }) => event)
  }

  private unchanged({ key, count, first }: ReadItem): Item | undefined {
    const item = this.items.get(key)
    return item?.event.count === count && item.event.first === first ? item : undefined
  }

  readonly reader: ImmediateReader = {
    read: key => this.items.get(key)?.event,
    markSent: (read, now) => {
      const item = this.unchanged(read)
      if (!item || item.event.replayed !== read.replayed) return false
      item.event = { ...item.event, sentAt: now }
      return true
    },
    noteReplayed: ({ key, first }, upTo) => {
      const item = this.items.get(key)
      if (item && item.event.first === first && (item.event.replayed ?? 0) <= upTo) item.event = { ...item.event, replayed: upTo }
    },
    remove: read => this.unchanged(read) !== undefined && this.items.delete(read.key),
    amend: (key, { code, message }) => {
      const item = this.items.get(key)
      if (item) item.event = { ...item.event, code, message }
    },
  }
}
