import { accept } from '../shared/acceptance.ts'
import type { Event } from '../shared/event.ts'
import type { EventType } from '../shared/event-type.ts'
import type { Sender } from '../shared/key-rights.ts'
import { isRejection } from '../shared/rejections.ts'
import { deepFreeze } from '../shared/stored-json.ts'
import { sampleValue } from './sample-values.ts'
import { seeded } from './seeded.ts'

const SAMPLE_EVENTS = 1_000
/** Rows that are tried for each event, because a type may reject most of them. */
const ROWS_PER_EVENT = 20
const FIRST_ARRIVAL = Date.parse('2026-01-01T00:00:00Z')

/** A key that may send everything. */
const sender: Sender = {
  ...{ id: 'sample', name: 'sample', scope: 'write', source: 'sample' },
  ...{ sources: '*', types: '*', secret: undefined, signedTraits: false },
}

/**
 * Accepted events of these types, as ingest makes them of rows. Each value depends only on its type, its field and the number of
 * its row, so a field that a type gains changes no value of another field.
 */
export function sampleEvents(types: readonly EventType[]): Event[] {
  const eventTypes = new Map(types.map(type => [type.name, type]))
  const events: Event[] = []
  for (let row = 0; row < SAMPLE_EVENTS * ROWS_PER_EVENT && events.length < SAMPLE_EVENTS; row += 1) {
    const type = types[row % types.length]
    const event = type && tryAccept(type, row, eventTypes)
    if (event) events.push(event)
  }
  return events
}

/** The event of a row; undefined if its type rejects it, or if it has no user and so nothing folds it. */
function tryAccept(type: EventType, row: number, eventTypes: ReadonlyMap<string, EventType>): Event | undefined {
  const arrival = { eventTypes, sender, received: FIRST_ARRIVAL + row * 1_000, defaultId: () => `e${row}` }
  try {
    const event = accept({ type: type.name, data: sampleRow(type, row) }, arrival)
    return isRejection(event) || event.subject === null ? undefined : deepFreeze(event)
  } catch {
    return undefined
  }
}

function sampleRow({ name, fields, samples = {} }: EventType, row: number): Record<string, unknown> {
  const seed = (field: string) => `${name}#${field}#${row}`
  const values = Object.entries(fields).map(([field, schema]) => [field, sampleValue(schema, seed(field))])
  const given = Object.entries(samples).map(([field, some]) => [field, some[seeded(seed(field), some.length)]])
  return Object.fromEntries([...values, ...given])
}
