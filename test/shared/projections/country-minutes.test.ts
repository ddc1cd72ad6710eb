import { planWrites } from '../../../lambdas/state/plan-writes.ts'
import { planWindows } from '../../../lambdas/windows/plan-windows.ts'
import { accept } from '../../../shared/acceptance.ts'
import { eventTypes } from '../../../shared/catalogue.ts'
import type { Event } from '../../../shared/event.ts'
import { MAX_DOCUMENT_BYTES } from '../../../shared/limits.ts'
import { type CountryRanking, countryMinutes } from '../../../shared/projections/country-minutes.ts'
import { isRejection } from '../../../shared/rejections.ts'
import { aSender } from '../../fixtures/keys.ts'
import { aStoredUser, memory } from '../../fixtures/memory.ts'

const RECEIVED = 1_700_000_000_000
const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const rules = {
  projections: [countryMinutes],
  memory,
  latenessMs: undefined,
  retentionMs: 0,
}

/** The event of a row; its position makes the id unique. */
function eventOf(row: { id: number; email: string | null; country?: string }, position: number): Event {
  const data = { country: 'chad', ...row, event_id: String(position), date: '2020-01-01', arrived_at: RECEIVED }
  const event = accept(
    { type: 'user_record', data },
    { eventTypes: catalogue, sender: aSender(), received: RECEIVED, defaultId: () => '' },
  )
  if (isRejection(event)) throw new Error(event.message)
  return event
}

/** The document of the minute of these rows, with one record per row, computed by the planners of all functions on the path. */
function documentOf(rows: readonly Parameters<typeof eventOf>[0][]) {
  const users = Map.groupBy(rows.map(eventOf), ({ subject }) => subject ?? '')
  const items = [...users].flatMap(([user, events]) =>
    planWrites(
      aStoredUser(user),
      events.map(event => ({
        sequenceNumber: event.id,
        received: RECEIVED,
        arrived: RECEIVED,
        events: [event],
        positions: [0],
        erasure: false,
      })),
      rules,
    ).map(({ item }) => item),
  )
  const { grain } = countryMinutes
  const tasks = planWindows(items, [countryMinutes], { latenessMs: undefined, retentionMs: 0 })
  const slots = tasks.flatMap(task => grain.parts?.merge(countryMinutes, undefined, task)?.item ?? [])
  return grain.document(countryMinutes, slots)
}

test.each([
  ['short', 10, 4000],
  ['long', 1000, 1500],
])('countries with %s names that somebody makes up do not stop the document of a minute', (_, length, count) => {
  const real = Array.from({ length: 20 }, (_, n) => ({ id: n, email: `real${n}@x`, country: 'france' }))
  const madeUp = Array.from({ length: count }, (_, n) => ({
    id: n,
    email: `made-up${n}@x`,
    country: `x${n}`.padEnd(length, 'y'),
  }))
  const document = documentOf([...real, ...madeUp])
  expect(document['most']).toEqual({ count: 20, countries: ['France'] })
  expect(document['events']).toBeGreaterThan(400)
  expect(Buffer.byteLength(JSON.stringify(document))).toBeLessThanOrEqual(MAX_DOCUMENT_BYTES)
})

test('the document of a minute whose slots are all full can be written', () => {
  const madeUp = Array.from({ length: 1500 }, (_, n) => ({ id: n, email: `u${n}@x`, country: `x${n}`.padEnd(1000, 'y') }))
  const document = documentOf(madeUp)
  expect((document['most'] as CountryRanking).countries).toHaveLength(document['events'] as number)
  expect(document['least']).toEqual(document['most'])
  expect(Buffer.byteLength(JSON.stringify(document))).toBeGreaterThan(0.9 * MAX_DOCUMENT_BYTES)
})

test('a minute counts each e-mail once, whatever its case, spaces and id', () => {
  const rows = [
    { id: 1, email: 'a@x' },
    { id: 2, email: ' A@X' },
    { id: 3, email: 'b@x' },
    { id: 3, email: null },
  ]
  expect(documentOf(rows)).toMatchObject({ events: 4, unique_users: 2 })
})

test.each([
  [null, 'id:5'],
  ['id:5', null],
  [null, ' ID:5 '],
])('an e-mail that looks like an id is not the user with that id: %j, then %j', (first, second) => {
  const rows = [
    { id: 5, email: first },
    { id: 5, email: second },
  ]
  expect(documentOf(rows)).toMatchObject({ events: 2, unique_users: 1 })
})
