import { planReplay } from '../../lambdas/ingest/plan-replay.ts'
import { accept } from '../../shared/acceptance.ts'
import { type Event, identityText } from '../../shared/event.ts'
import { defineEvent, type EventType, epochSeconds, type Fields, nullable, text } from '../../shared/event-type.ts'
import type { Sender } from '../../shared/key-rights.ts'
import { type QuarantinedEvent, quarantineKey } from '../../shared/quarantine.ts'
import { isRejection } from '../../shared/rejections.ts'
import { fromLine } from '../../shared/stream-record.ts'
import { secondsToMicros } from '../../shared/time.ts'
import { aQuarantinedEvent } from '../fixtures/builders.ts'
import { type Catalogue, idsOf, recordOf, START, smallFold } from '../fixtures/small-fold.ts'

interface Visit {
  readonly user: string
  readonly device: string
  readonly at: number | null
}

const fields = { user: text(), device: text(), at: nullable(epochSeconds()) }
const visitType = (user: (row: Visit) => string, more: Fields = {}): EventType =>
  // The cast is safe: each type has the fields of a visit.
  defineEvent({
    name: 'visit',
    about: 'A visit.',
    fields: { ...fields, ...more },
    user: user as never,
    time: (({ at }: Visit) => (at === null ? undefined : secondsToMicros(at))) as never,
  }) as EventType
const catalogueOf = (...types: EventType[]): Catalogue => new Map(types.map(type => [type.name, type]))
const open = catalogueOf()
const byUser = catalogueOf(visitType(({ user }) => user))
const byDevice = catalogueOf(visitType(({ device }) => device))
/** A definition that no row of the others matches. */
const mistaken = catalogueOf(visitType(({ user }) => user, { other: text() }))
const projections = [idsOf('p', 'visit')]
const row: Visit = { user: 'anna', device: 'd1', at: null }
const sender: Sender = {
  ...{ id: 'k1', name: 'web', scope: 'write', source: 'web', sources: '*', types: '*', secret: undefined, signedTraits: false },
}

function sent(eventTypes: Catalogue, envelope: object, received = START): Event {
  const event = accept({ type: 'visit', ...envelope }, { eventTypes, sender, received, defaultId: () => 'random' })
  if (isRejection(event)) throw new Error(event.message)
  return event
}

/** What the state function quarantines of a record of the event that was written with one catalogue and is read with another. */
async function quarantinedOf(event: Event, written: Catalogue, read: Catalogue): Promise<QuarantinedEvent> {
  const added: QuarantinedEvent[] = []
  const add = async (events: readonly QuarantinedEvent[]) => void added.push(...events)
  await smallFold().run([recordOf(1, [event], written)], { projections, eventTypes: read, add })
  expect(added).toMatchObject([{ code: 'invalid_event', message: expect.stringContaining('eplay it') }])
  return added[0] as QuarantinedEvent
}

function replayed(event: QuarantinedEvent, eventTypes: Catalogue): Event {
  const replay = planReplay({ ...event, key: quarantineKey(event), count: 1 }, { eventTypes, keys: [], signedTraits: false })
  if (replay.kind !== 'put') throw new Error(JSON.stringify(replay))
  return fromLine(replay.lines[0] ?? '', eventTypes)
}

/** All but the row, to which the definition that read it added the field that it lacks. */
const factsOf = ({ data: _, ...facts }: Event) => facts

const ROW_TIME = START / 1000 - 7200

test('a replay of an accepted event keeps the time that its sender stated, beside the corrected one, and its key', async () => {
  const clock = new Date(START - 3_600_000).toISOString()
  const event = sent(byUser, { id: 'e1', time: clock, sentAt: clock, data: row })
  expect(event).toMatchObject({ time: BigInt(START) * 1000n, stated: START / 1000 - 3600 })
  expect(factsOf(replayed(await quarantinedOf(event, byUser, mistaken), byUser))).toEqual(factsOf(event))
})

test('a replay of an accepted event without a stated time has none', async () => {
  const event = sent(byUser, { id: 'e1', data: row })
  expect(event).not.toHaveProperty('stated')
  expect(factsOf(replayed(await quarantinedOf(event, byUser, mistaken), byUser))).toEqual(factsOf(event))
})

test('a replay also keeps the stated time after a replay that was rejected with another code', async () => {
  const event = sent(byUser, { id: 'e1', data: { ...row, at: ROW_TIME } })
  const item = await quarantinedOf(event, byUser, mistaken)
  expect(factsOf(replayed({ ...item, code: 'date_invalid', message: 'No.' }, byUser))).toEqual(factsOf(event))
})

test('a client cannot state the time that counts with a member of a rejected event', () => {
  const body = JSON.stringify({ id: 'e1', type: 'visit', time: '2020-01-01T00:00:00Z', stated: 5, data: row })
  expect(replayed(aQuarantinedEvent({ type: 'visit', body }), byUser)).toMatchObject({ stated: 1_577_836_800 })
})

test('an event that was accepted before its type has the user and the time of its row after a replay, as when it is sent again', async () => {
  const envelope = { id: 'e1', data: { ...row, at: ROW_TIME } }
  const event = sent(open, envelope)
  expect(event.subject).toBeNull()
  const again = sent(byUser, envelope, START + 1_200_000)
  const replay = replayed(await quarantinedOf(event, open, byUser), byUser)
  expect(replay).toEqual({ ...again, received: START })
  const { run, states } = smallFold()
  await run([recordOf(2, [replay], byUser)], { projections, eventTypes: byUser })
  const later = recordOf(3, [again], byUser)
  const kinesis = { ...later.kinesis, approximateArrivalTimestamp: START / 1000 + 1200 }
  await run([{ ...later, kinesis }], { projections, eventTypes: byUser })
  expect(await states('anna')).toEqual({ 'p-r1': ['e1'] })
})

test('an event that was accepted before its type has the id of its row after a replay, as when it is sent again', async () => {
  const envelope = { data: { ...row, event_id: 'e1' } }
  const item = await quarantinedOf(sent(open, envelope), open, byUser)
  expect(item.id).toBe('random')
  expect(identityText(replayed(item, byUser))).toBe(identityText(sent(byUser, envelope)))
})

test('an accepted event keeps its id in a replay if it keeps its user: the archive has it already', async () => {
  const event = sent(open, { subject: 'anna', data: { ...row, event_id: 'e1' } })
  expect(identityText(replayed(await quarantinedOf(event, open, mistaken), byUser))).toBe(identityText(event))
})

test('an accepted event of a type that has another user since can be replayed', async () => {
  const event = sent(byUser, { id: 'e1', data: row })
  expect(replayed(await quarantinedOf(event, byUser, byDevice), byDevice)).toMatchObject({ id: 'e1', subject: 'd1' })
})

test('an accepted event of a type that is no longer in the catalogue keeps its user in a replay', async () => {
  const event = sent(byUser, { id: 'e1', data: row })
  expect(factsOf(replayed(await quarantinedOf(event, byUser, mistaken), open))).toEqual(factsOf(event))
})
