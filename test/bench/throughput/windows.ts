import { planDocuments } from '../../../lambdas/search/plan-documents.ts'
import { planEvents } from '../../../lambdas/search/plan-events.ts'
import { type ItemImage, partAttributes, readItem } from '../../../lambdas/state/dynamodb-items.ts'
import { planWrites } from '../../../lambdas/state/plan-writes.ts'
import { planWindows } from '../../../lambdas/windows/plan-windows.ts'
import { eventTypes, projections } from '../../../shared/catalogue.ts'
import { outboxText, type PartItem, type UserItem } from '../../../shared/state.ts'
import { toLine } from '../../../shared/stream-record.ts'
import { aStoredUser } from '../../fixtures/memory.ts'
import type { Case } from './cases.ts'
import { readingOf, rules, START } from './fold.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const DEVICES = 500
const numbers = Array.from({ length: DEVICES }, (_, device) => device)

/** The items of 500 devices after a write of 5 events each. */
const items: readonly UserItem[] = numbers.flatMap(device => {
  const events = [0, 1, 2, 3, 4].map(n => readingOf(device, n, n))
  const record = {
    sequenceNumber: '1',
    received: START * 1000,
    arrived: START * 1000,
    events,
    positions: [...events.keys()],
    erasure: false,
  }
  return planWrites(aStoredUser(`device-${device}`), [record], rules).map(({ item }) => item)
})

const lifetime = { latenessMs: rules.latenessMs, retentionMs: rules.retentionMs }

/** The windows after the deltas of these items. */
const merge = (stored: ReadonlyMap<string, PartItem>, users: readonly UserItem[]): PartItem[] =>
  planWindows(users, projections, lifetime).flatMap(task => {
    const merged = task.projection.grain.parts?.merge(task.projection, stored.get(task.key.pk), task)
    return merged ? [merged.item] : []
  })

const later = items.map(item => ({ ...item, outbox: item.outbox.map(delta => ({ ...delta, order: delta.order + 5_000_000 })) }))
const outboxes = later.map(({ outbox }) => outboxText(outbox))
const stored = new Map(merge(new Map(), items).map(item => [`user#${item.user}`, item]))
const changed = merge(stored, later)
const images = changed.map(item => partAttributes(item) as ItemImage)
const before = [...stored.values()].map(item => partAttributes(item) as ItemImage)
const states = images.map(image => image['state']?.S ?? '')

const lines = numbers.map(device => toLine(readingOf(device, 0, 0), catalogue.get('reading')))
const records = lines.map((line, n) => ({ sequenceNumber: String(n), text: `${line}\n`, arrived: START * 1000 }))
const raw = { eventTypes: catalogue, isOn: () => true, retentionDays: 14 }
const table = { partsBelow: async () => [] }

const byKey = (texts: readonly string[]): Map<string, unknown> => new Map(texts.map((text, n) => [`${n}`, JSON.parse(text)]))

export const windowCases: readonly Case[] = [
  {
    name: 'windows: merge of 500 deltas into 500 windows',
    events: DEVICES,
    product: () => {
      if (merge(stored, later).length !== DEVICES) throw new Error('Not all windows changed.')
    },
    plain: () => byKey(outboxes),
  },
  {
    name: 'documents: 500 changed windows',
    events: DEVICES,
    product: async () => {
      const changes = images.map((image, n) => ({ before: readItem(before[n] ?? {}), after: readItem(image) }))
      const { operations } = await planDocuments(changes, { table, projections })
      if (operations.length !== DEVICES) throw new Error('Not all windows have documents.')
    },
    plain: () => byKey(states),
  },
  {
    name: 'raw events: 500 records of 1 event',
    events: DEVICES,
    product: () => {
      if (planEvents(records, raw).operations.length !== DEVICES) throw new Error('Not all events have documents.')
    },
    plain: () => byKey(lines),
  },
]
