import { defineEvent, type EventType, text } from '../../shared/event-type.ts'
import { type Catalogue, eventOf, idsOf, recordOf, smallFold } from '../fixtures/small-fold.ts'

const poison = () => {
  throw new Error('poison')
}
const crash = async () => {
  throw new Error('The process ends here.')
}

test('versions of the code that fold other types of a record mean the same event by a position', async () => {
  const { run, states, quarantined } = smallFold()
  const batch = [recordOf(1, [eventOf('x1', 'x', '7'), eventOf('y1', 'y', '7')])]
  // The old code folds y only, and throws on it: it stores y1 as passed over, then ends before its put.
  await run(batch, { projections: [idsOf('p', 'y', poison)], table: { putUser: crash } })
  // A deployment repairs p and brings q, which throws on x. Its put is carried out, then it ends.
  const projections = [idsOf('p', 'y'), idsOf('q', 'x', poison)]
  await run(batch, { projections, add: crash })
  expect(await run(batch, { projections })).toEqual({ batchItemFailures: [] })
  expect(await states('7')).toEqual({ 'p-r1': ['y1'] })
  expect(quarantined()).toEqual(['x1 projection_failed'])
})

const catalogueOf = (longest: number): Catalogue => {
  const fields = { event_id: text(), user: text(), url: text(longest) }
  const type = defineEvent({ name: 'visit', about: 'A visit.', fields, user: ({ user }) => user })
  return new Map([['visit', type as unknown as EventType]])
}
const [narrow, wide] = [catalogueOf(3), catalogueOf(10)]
const visit = (id: string, user: string, url: string) => eventOf(id, 'visit', user, { event_id: id, user, url })
const projections = [idsOf('p', 'visit')]

/** The first user is throttled in the first attempt, so that the record of the second one is delivered again. */
async function foldTwice(first: Catalogue, second: Catalogue) {
  const { items, run, states, quarantined } = smallFold()
  const batch = [recordOf(1, [visit('a1', 'a', '/a')], wide), recordOf(2, [visit('b1', 'b', '/long')], wide)]
  items.throttle('user#a|state', 1)
  expect((await run(batch, { projections, eventTypes: first })).batchItemFailures).toEqual([{ itemIdentifier: '1' }])
  items.unthrottle(1)
  await run(batch, { projections, eventTypes: second })
  return { states: await states('b'), quarantined: quarantined() }
}

test('a row that old code does not know is quarantined, and new code does not fold it again', async () => {
  expect(await foldTwice(narrow, wide)).toEqual({ states: {}, quarantined: ['b1 invalid_event'] })
})

test('a row that was folded is not quarantined by code that does not know it', async () => {
  expect(await foldTwice(wide, narrow)).toEqual({ states: { 'p-r1': ['b1'] }, quarantined: [] })
})
