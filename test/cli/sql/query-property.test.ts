import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import type { Event } from '../../../shared/event.ts'
import { identityText } from '../../../shared/event.ts'
import { onCompactedCopy } from '../../fixtures/reports/compaction.ts'
import { archiveEvents } from '../../fixtures/reports/folder-archive.ts'
import { rowsOfJson, runOverFolder } from '../../fixtures/sql.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const folder = temporaryFolder('sql-property')
const DAYS = ['2026-01-05', '2026-01-06', '2026-01-07']

interface Delivery {
  readonly day: string
  /** The object of the day. */
  readonly object: number
  readonly event: Event
}

/** Few identities and few times of arrival, so that repetitions and ties are frequent. */
const delivery = fc
  .record({
    day: fc.constantFrom(...DAYS),
    object: fc.integer({ min: 1, max: 3 }),
    id: fc.constantFrom('a', 'b', 'c'),
    source: fc.constantFrom('s', 's:1'),
    type: fc.constantFrom('order', 'page_visit'),
    subject: fc.constantFrom('7', '8', null),
    minute: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ day, object, minute, ...identity }): Omit<Delivery, 'event'> & { readonly event: Omit<Event, 'data'> } => {
    const received = Date.parse(`${day}T12:00:00Z`) + minute * 60_000
    return { day, object, event: { ...identity, received, time: BigInt(received) * 1000n } }
  })

/** Deliveries that can be told apart by the field `n`, in the order in which they are stored. */
const deliveries = fc
  .array(delivery, { minLength: 1, maxLength: 25 })
  .map(all =>
    all
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
      .map((each, n): Delivery => ({ ...each, event: { ...each.event, data: dataOf(each.event.type, n) } })),
  )

const keyOf = ({ day, object }: Pick<Delivery, 'day' | 'object'>): string => `events/dt=${day}/hour=12/${object}.parquet`

const dataOf = (type: string, n: number): object => (type === 'order' ? { n } : { Id: 7, Url: '/', Timestamp: 0, n })

/** The deliveries that the views show: of each identity the first arrival; of arrivals at one time, the one that is stored first. */
function firstArrivals(stored: readonly Delivery[]): Delivery[] {
  const first = new Map<string, Delivery>()
  for (const each of stored) {
    const before = first.get(identityText(each.event))
    if (!before || each.event.received < before.event.received) first.set(identityText(each.event), each)
  }
  return [...first.values()]
}

const numbersOf = (shown: readonly Delivery[]): number[] =>
  shown.map(({ event }) => (event.data as { n: number }).n).toSorted((a, b) => a - b)

async function shownIn(archive: string, from: string): Promise<number[][]> {
  const numbers = async (view: string): Promise<number[]> => {
    const sql = `SELECT (data->>'$.n')::BIGINT AS n FROM ${view} WHERE dt >= '${from}' ORDER BY n`
    return rowsOfJson((await runOverFolder(archive, { sql })).printed).map(({ n }) => Number(n))
  }
  return [await numbers('events'), await numbers('page_visit')]
}

test('whatever is delivered, in whichever objects and days, the views have the first arrival of each identity, raw and compacted', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, fc.constantFrom(...DAYS), async (stored, from) => {
      const archive = await mkdtemp(path.join(folder, 'run-'))
      for (const [key, all] of Map.groupBy(stored, keyOf))
        await archiveEvents(
          archive,
          key,
          all.map(({ event }) => event),
        )
      const expected = firstArrivals(stored.filter(({ day }) => day >= from))
      const visits = expected.filter(({ event }) => event.type === 'page_visit')
      const views = [numbersOf(expected), numbersOf(visits)]
      expect(await shownIn(archive, from)).toEqual(views)
      expect(await onCompactedCopy(archive, copy => shownIn(copy, from))).toEqual(views)
    }),
    { numRuns: 15 },
  )
}, 180_000)
