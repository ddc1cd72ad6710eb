import { userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { planWrites, type Write } from '../../lambdas/state/plan-writes.ts'
import type { Event } from '../../shared/event.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { reading } from '../../shared/events/reading.ts'
import { perUser } from '../../shared/grains/user.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import type { Projection } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { userActivity } from '../../shared/projections/user-activity.ts'
import type { UserItem } from '../../shared/state.ts'
import { anEvent, aReading, aVisit } from '../fixtures/builders.ts'
import { aStoredUser, memory } from '../fixtures/memory.ts'

const START = 1_700_000_000_000
/** The largest item of DynamoDB. */
const ITEM_BYTES = 400 * 1024
const KB = 1000

/** Stores text: what `url` of visits and `status` of readings say. */
const texts = (name: string, on: typeof pageVisit | typeof reading, revision = 1): Projection =>
  perUser({
    ...recentUrls,
    name,
    revision,
    on: [on as typeof pageVisit],
    initial: () => '',
    fold: (text: string, { data }: Event) => text + ((data as { Url?: string }).Url ?? (data as { status?: string }).status),
    document: () => ({}),
  }) as Projection

const visit = (id: string, kilobytes: number) => aVisit('x'.repeat(kilobytes * KB), 1, { id })
const readingOf = (id: string, kilobytes: number) => aReading({ status: 'x'.repeat(kilobytes * KB) }, { id, subject: '1' })

let sequence = 0
function fold(events: readonly Event[], projections: Projection[], stored?: UserItem, minutes = 0): Write {
  const arrived = START + minutes * 60_000
  const [write] = planWrites(
    aStoredUser('1', stored),
    [{ sequenceNumber: String(++sequence), received: arrived, arrived, events, positions: [...events.keys()], erasure: false }],
    { projections, memory, latenessMs: undefined, retentionMs: 0 },
  )
  if (!write) throw new Error('Nothing to write.')
  return write
}
const foldAll = (batches: readonly Event[][], projections: Projection[], stored?: UserItem) =>
  batches.reduce<{ item: UserItem | undefined; rejected: string[]; reasons: (string | undefined)[] }>(
    ({ item, rejected, reasons }, events, at) => {
      const write = fold(events, projections, item, at)
      return {
        item: write.item,
        rejected: [...rejected, ...write.rejections.map(({ event, code }) => `${event.id} ${code}`)],
        reasons: [...reasons, ...write.rejections.map(({ reason }) => reason)],
      }
    },
    { item: stored, rejected: [], reasons: [] },
  )

/** Bytes of an item as DynamoDB counts them, without its key. */
const itemBytes = ({ item }: Write): number =>
  Object.entries(userAttributes(item)).reduce(
    (bytes, [name, { S = '', B = new Uint8Array(), N = '' }]) =>
      bytes + Buffer.byteLength(name) + Buffer.byteLength(S) + B.length + N.length,
    0,
  )

describe('each projection has a share of the item', () => {
  const greedy = texts('greedy', pageVisit)
  const other = texts('other', reading)

  test('events that feed a full projection are rejected whole; other events of the user go on', () => {
    const visits = Array.from({ length: 8 }, (_, at) => [visit(`v${at}`, 30)])
    const full = foldAll(visits, [greedy, other])
    expect(full.rejected).toEqual(['v4', 'v5', 'v6', 'v7'].map(id => `${id} state_too_large`))
    expect(full.reasons[0]).toMatch(/^greedy-r1: its state would need 150,01\d bytes. Its share of the item is 125,000 bytes.$/)
    const readings = Array.from({ length: 8 }, (_, at) => [readingOf(`r${at}`, 15)])
    expect(foldAll(readings, [greedy, other], full.item).rejected).toEqual([])
  })

  test('an event that feeds a full projection and another one is in no state', () => {
    const { item } = foldAll([[visit('a', 120)]], [greedy, other])
    const both = fold([visit('b', 10)], [texts('other', pageVisit), greedy], item)
    expect(both.rejections).toMatchObject([{ code: 'state_too_large' }])
    expect(Object.keys(both.item.states)).toEqual(['greedy-r1'])
  })

  test('the share is at least 20,000 bytes', () => {
    const many = Array.from({ length: 30 }, (_, at) => texts(`p${at}`, at === 0 ? pageVisit : reading))
    expect(fold([visit('a', 19)], many).rejections).toEqual([])
    expect(fold([visit('b', 20)], many).rejections).toMatchObject([{ code: 'state_too_large' }])
  })

  test('a state from before there were shares blocks only its own projection', () => {
    const { item } = foldAll([[visit('a', 120)], [visit('b', 120)]], [greedy])
    const after = foldAll([[visit('c', 1)], [readingOf('r', 20)]], [greedy, other], item)
    expect(after.rejected).toEqual(['c state_too_large'])
    const beyond = foldAll([[readingOf('s', 30)]], [greedy, other], after.item)
    expect(beyond.rejected).toEqual(['s state_too_large'])
    expect(beyond.reasons[0]).toMatch(/^All states of the user would need 29\d,\d{3} bytes\./)
    expect(Object.keys(beyond.item?.states ?? {})).toEqual(['greedy-r1', 'other-r1'])
  })
})

test('a state that is larger than its share may shrink, and not grow', () => {
  const replaced: Projection = {
    ...texts('texts', pageVisit),
    fold: (_: unknown, { data }: Event) => (data as { Url: string }).Url,
  }
  const { item } = foldAll([[visit('a', 180)]], [replaced])
  const after = foldAll([[visit('b', 190)], [visit('c', 150)], [visit('d', 160)]], [replaced, texts('other', reading)], item)
  expect(after.rejected).toEqual(['b state_too_large', 'd state_too_large'])
})

test('a fold that finds its state full refuses the event with the reason; others go on', () => {
  const action = (n: number) =>
    anEvent({ user_id: 1, event_action: `action ${n}` }, { id: `a${n}`, type: 'app_action', subject: '1' })
  const actions = Array.from({ length: 1_002 }, (_, n) => action(n % 1_001))
  const full = foldAll([actions.slice(0, 500), actions.slice(500)], [userActivity as Projection])
  expect(full.rejected).toEqual(['a1000 state_too_large'])
  expect(full.reasons).toEqual(['user-activity-r1: its tally already counts 1,000 different texts.'])
})

describe('states of projections that are not deployed', () => {
  const revisions = [1, 2, 3, 4].map(revision => texts('texts', pageVisit, revision))
  const ofRevision = (revision: number) => [revisions[revision - 1] as Projection]

  test('count for nothing, and the oldest go when the item needs room', () => {
    let item: UserItem | undefined
    for (const revision of [1, 2, 3, 4]) {
      const { rejected, item: after } = foldAll(
        [0, 1, 2].map(at => [visit(`${revision}-${at}`, 30)]),
        ofRevision(revision),
        item,
      )
      expect(rejected).toEqual([])
      item = after
    }
    expect(Object.keys(item?.states ?? {})).toEqual(['texts-r2', 'texts-r3', 'texts-r4'])
  })

  test('stay for a roll-back while there is room', () => {
    const { item: old } = foldAll([[visit('a', 30)]], ofRevision(1))
    const { item: new_ } = foldAll([[visit('b', 30)]], ofRevision(2), old)
    const { item } = foldAll([[visit('c', 1)]], ofRevision(1), new_)
    expect(String(item?.states['texts-r1'])).toHaveLength(31 * KB)
    expect(Object.keys(item?.states ?? {})).toEqual(['texts-r1', 'texts-r2'])
  })
})

describe('what is accepted can be written', () => {
  test('deltas are measured as they are written, with their keys', () => {
    const full = [texts('texts', pageVisit)]
    const windows = [1, 2, 3, 4].map(
      at => perUserWindow({ ...deviceMinutes, name: `a-name-of-twenty-eight-char-${at}` }) as Projection,
    )
    const readings = Array.from({ length: 400 }, (_, minute) =>
      aReading({ timestamp: minute * 60 }, { id: String(minute), subject: '1' }),
    )
    const { item } = foldAll([[visit('a', 120)], [visit('b', 120)]], full)
    const write = fold(readings, [...full, ...windows], item)
    expect(write.folded + write.rejections.length).toBe(400)
    expect(itemBytes(write)).toBeLessThan(ITEM_BYTES)
    expect(Buffer.byteLength(JSON.stringify(write.item.outbox))).toBeLessThan(125_000)
  })

  test('texts are measured like objects', () => {
    const events = Array.from({ length: 14 }, (_, at) => visit(String(at), 30))
    const write = fold(events, [texts('texts', pageVisit)])
    expect(write).toMatchObject({ folded: 8 })
    expect(itemBytes(write)).toBeLessThan(ITEM_BYTES)
  })
})
