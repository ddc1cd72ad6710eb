import { judgeBatch } from '../../lambdas/quarantine/judge-batch.ts'
import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { discardedBatch } from '../fixtures/discarded-batch.ts'
import { memory } from '../fixtures/memory.ts'
import { eventOf, idsOf, recordOf, START, smallFold } from '../fixtures/small-fold.ts'
import { Table } from '../simulation/table.ts'

const DAY = 86_400_000
const QUARANTINE_DAYS = 90

/** The first record has an event that is folded and one that is passed over. */
const record = recordOf(1, [eventOf('good', 'other', '7'), eventOf('a', 'visit', '7')])
const projections = [
  idsOf('p', 'visit', () => {
    throw new Error('broken')
  }),
  idsOf('q', 'other'),
]
const failing = async () => {
  throw new Error('The quarantine cannot be reached.')
}

/** A user's item was put, but the event that the put passed over could not be quarantined. */
async function aPendingEvent() {
  const { items, run, add, ...fold } = smallFold()
  expect((await run([record], { projections, add: failing })).batchItemFailures).toHaveLength(1)
  const expire = (now: number): void => {
    for (const [key, { ttl }] of items.items) if (Number(ttl?.N) * 1000 < now) items.remove(key, true)
  }
  return { items, run, add, expire, ...fold }
}

test('an event that a write passed over is quarantined, although the quarantine was down for months', async () => {
  const { run, expire, states, quarantined } = await aPendingEvent()
  const now = START + QUARANTINE_DAYS * DAY
  expire(now)
  expect(await run([record], { projections, now })).toEqual({ batchItemFailures: [] })
  expect(await states('7')).toEqual({ 'q-r1': ['good'] })
  expect(quarantined()).toEqual(['a projection_failed'])
})

test('the same when Lambda gave up the batch, which is judged when the quarantine is back', async () => {
  const { items, expire, add, quarantined } = await aPendingEvent()
  const context = { eventTypes: new Map(), rawEventsFunction: 'raw', documentsFunction: 'documents', isOn: () => true }
  const now = START + QUARANTINE_DAYS * DAY
  const judge = (adding: typeof add) =>
    judgeBatch(fromDiscarded(discardedBatch([record], START), context).unfinished, {
      ...{ table: stateTable('t', items.operations()), pages: pagesTable('pages', new Table().operations()) },
      ...{ quarantine: { add: adding }, rules: { eventTypes: new Map(), memory }, retentionMs: 0, now: () => now },
    })
  await expect(judge(failing)).rejects.toThrow('cannot be reached')
  expire(now)
  expect((await judge(add)).events).toEqual([])
  expect(quarantined()).toEqual(['a projection_failed'])
})

test('the mark that an event is quarantined is kept only while its record can be delivered again', async () => {
  const { items, run } = await aPendingEvent()
  const ttl = () => [...items.items].filter(([key]) => key.includes('passed')).map(([, item]) => Number(item['ttl']?.N) * 1000)
  expect(ttl()).toEqual([START + (QUARANTINE_DAYS + 7) * DAY])
  await run([record], { projections })
  expect(ttl()).toEqual([START + DAY])
})
