import { type Delivery, documentText, refText, type StateFacts, type StreamFacts } from '../../cli/status/facts.ts'
import { unfoldedEvents } from '../../cli/status/quarantined.ts'
import { countAccepted, countFolded, expectedDocuments, windowsAreComplete } from '../../cli/status/settled.ts'
import { withPages } from '../../cli/status/state.ts'
import { projections } from '../../shared/catalogue.ts'
import { identityText } from '../../shared/event.ts'
import type { WindowItem } from '../../shared/grains/user-window.ts'
import type { SlotItem } from '../../shared/grains/window.ts'
import type { IdentifiedSummary } from '../../shared/quarantine.ts'
import type { ItemKey, UserItem, UserPages } from '../../shared/state.ts'
import { userHash } from '../../shared/state.ts'
import { aUserItem } from '../fixtures/builders.ts'

const id = (name: string) => identityText({ source: 'k', type: 'reading', subject: 'd', id: name })
const RECEIVED = 1_700_000_000_000
const ORDER = RECEIVED * 1000
const window = { kind: 'window' as const, user: 'd', projection: 'device-minutes-r1', start: 60 }

const delivery = (name: string, change: Partial<Delivery> = {}): Delivery => ({
  identity: id(name),
  user: 'd',
  shard: 's0',
  sequenceNumber: '10',
  raw: undefined,
  ...change,
})
const stream = (deliveries: Delivery[], records: StreamFacts['recordsOf'] = new Map()): StreamFacts => ({
  deliveries: new Map(deliveries.map(one => [one.identity, one])),
  recordsOf: records,
})
const user = (change: Partial<UserItem> = {}): UserItem => aUserItem('d', { version: ORDER, sequenceNumber: '10', ...change })
const state = (
  change: Partial<{
    users: UserItem[]
    windows: WindowItem[]
    slots: SlotItem[]
    passed: [string, string][]
    firstFolded: Record<string, string>
  }> = {},
): StateFacts => ({
  users: new Map((change.users ?? []).map(item => [item.user, item])),
  parts: [...(change.windows ?? []), ...(change.slots ?? [])],
  passed: new Map(change.passed ?? []),
  firstFolded: new Map(change.firstFolded ? [['s0', change.firstFolded]] : []),
})
const none: ReadonlySet<string> = new Set()

test('an event in the stream and in the archive counts once as accepted', () => {
  expect(countAccepted(stream([delivery('a'), delivery('b')]), new Set([id('b'), id('c')]))).toBe(3)
})

test('an event is folded when the state of its user has reached its sequence number, compared as integers', () => {
  const facts = stream([
    delivery('a', { sequenceNumber: '9' }),
    delivery('b', { sequenceNumber: '10' }),
    delivery('c', { sequenceNumber: '11' }),
  ])
  expect(countFolded(facts, none, state({ users: [user({ sequenceNumber: '10' })] }))).toBe(2)
  expect(countFolded(facts, none, state())).toBe(0)
})

test('an event without a user is folded when its shard has been read past it', () => {
  const facts = stream([delivery('a', { user: null, shard: 's1', sequenceNumber: '5' })])
  expect(countFolded(facts, none, state({ passed: [['s1', '0000000005']] }))).toBe(1)
  expect(countFolded(facts, none, state({ passed: [['s0', '0000000009']] }))).toBe(0)
})

test('an archived event that expired from the stream counts as folded', () => {
  expect(countFolded(stream([]), new Set([id('old')]), state())).toBe(1)
})

/** Two records of the same millisecond, each with an event of the window. */
const twoRecords = new Map([
  [
    'd',
    ['20', '10'].map((sequenceNumber, i) => ({
      shard: 's0',
      sequenceNumber,
      projections: [window.projection],
      received: RECEIVED,
      windows: new Map([[refText(window), [id(`e${i}`)]]]),
    })),
  ],
])

test('a window is complete only with the last of several records of the same millisecond', () => {
  const facts = stream([], twoRecords)
  const at = (version: number) => state({ users: [user()], windows: [{ ...window, version, state: {} }] })
  expect(windowsAreComplete(facts, at(ORDER), none)).toBe(false)
  expect(windowsAreComplete(facts, at(ORDER + 1), none)).toBe(true)
  expect(windowsAreComplete(facts, state({ users: [user()] }), none)).toBe(false)
})

test('windows wait only for records that were folded with their projection', () => {
  const facts = stream([], twoRecords)
  const at = (first: string | undefined, version: number) =>
    windowsAreComplete(
      facts,
      state({
        users: [user()],
        windows: version === 0 ? [] : [{ ...window, version, state: {} }],
        firstFolded: first === undefined ? {} : { [window.projection]: first },
      }),
      none,
    )
  expect([at('0', 0), at('0', ORDER + 1)]).toEqual([false, true])
  // Of the records 10 and 20, only the second was folded with the projection; it has the first order number of the window.
  expect([at('11', 0), at('11', ORDER)]).toEqual([false, true])
  expect([at('21', 0), at(undefined, 0)]).toEqual([true, true])
  // Another projection folds both records, so both have an order number.
  const both = new Map([
    ['d', (twoRecords.get('d') ?? []).map(record => ({ ...record, projections: [...record.projections, 'other-r1'] }))],
  ])
  const beside = (first: string, version: number) =>
    windowsAreComplete(
      stream([], both),
      state({
        users: [user()],
        windows: version === 0 ? [] : [{ ...window, version, state: {} }],
        firstFolded: { 'other-r1': '0', [window.projection]: first },
      }),
      none,
    )
  expect([beside('21', 0), beside('11', ORDER), beside('11', ORDER + 1)]).toEqual([true, false, true])
  const withoutItem = state({ firstFolded: { [window.projection]: '21' } })
  expect(windowsAreComplete(facts, withoutItem, none)).toBe(true)
})

test('windows do not wait for events that are quarantined, erased, or possibly later than the lateness bound', () => {
  const facts = stream([], twoRecords)
  const quarantined = new Set(['e0', 'e1'].map(id))
  expect(windowsAreComplete(facts, state({ users: [user()] }), quarantined)).toBe(true)
  expect(windowsAreComplete(facts, state({ users: [user({ erasedOrder: ORDER + 1 })] }), none)).toBe(true)
  expect(windowsAreComplete(facts, state({ users: [user({ late: 1 })] }), none)).toBe(true)
})

test('windows wait for an event although another user, source or type has a quarantined event of the same id', () => {
  const facts = stream([], twoRecords)
  const item = (change: Partial<IdentifiedSummary>): IdentifiedSummary => ({
    key: 'k',
    code: 'projection_failed',
    message: '',
    type: 'reading',
    id: 'e0',
    parts: [],
    subject: 'd',
    keyName: 'k',
    received: RECEIVED,
    count: 1,
    ...change,
  })
  const isComplete = (...quarantined: IdentifiedSummary[]) =>
    windowsAreComplete(
      facts,
      state({ users: [user()], windows: [{ ...window, version: ORDER, state: {} }] }),
      unfoldedEvents(quarantined),
    )
  expect(isComplete(item({}))).toBe(true)
  expect(isComplete(item({ subject: 'another device' }), item({ keyName: 'another' }), item({ type: 'note' }))).toBe(false)
  expect(isComplete(item({ code: 'not_archived' }))).toBe(false)
})

test("a window over all users waits for each user's last delta", () => {
  const records = new Map([
    [
      'd',
      [
        {
          shard: 's0',
          sequenceNumber: '1',
          projections: [window.projection],
          received: RECEIVED,
          windows: new Map([[refText(window), [id('a')]]]),
        },
      ],
    ],
  ])
  const slot = (order: number): SlotItem => ({
    kind: 'slot',
    projection: window.projection,
    start: window.start,
    slot: 0,
    version: 1,
    state: {},
    users: new Map([[userHash('d'), order]]),
  })
  expect(windowsAreComplete(stream([], records), state({ users: [user()], slots: [slot(ORDER)] }), none)).toBe(true)
  expect(windowsAreComplete(stream([], records), state({ users: [user()], slots: [slot(ORDER - 1)] }), none)).toBe(false)
})

test('every user state and every window has a document of its version; unknown projections have none', () => {
  const facts = state({
    users: [user({ states: { 'recent-urls-r1': [], 'gone-r1': [] } })],
    windows: [
      { ...window, version: 7, state: {} },
      { ...window, projection: 'gone-r1', version: 7, state: {} },
    ],
  })
  const [ofUser, ofWindow] = [
    { index: 'recent-urls-r1', id: 'd', version: ORDER },
    { index: 'device-minutes-r1', id: 'd#1970-01-01T00:01:00Z', version: 7 },
  ]
  expect(expectedDocuments(facts, projections, none)).toEqual([ofUser, ofWindow])
  expect(expectedDocuments(facts, projections, new Set([documentText('recent-urls-r1', 'd')]))).toEqual([ofWindow])
})

test('the users of a slot are those of its item and of its pages', async () => {
  const slot: SlotItem = {
    kind: 'slot',
    projection: 'country-minutes-r1',
    start: 60,
    slot: 0,
    version: 5,
    state: {},
    users: new Map([['b', 3]]),
    pages: { version: 4, count: 1 },
  }
  const pages = {
    'window#country-minutes-r1#1970-01-01T00:01:00Z|slot#0|4': new Map([
      ['a', 1],
      ['b', 2],
    ]),
  }
  const table = {
    readUserPages: async ({ pk, sk }: ItemKey, { version }: UserPages) => [
      { slot: { pk, sk }, version, index: 0, users: pages[`${pk}|${sk}|${version}` as keyof typeof pages] },
    ],
  }
  expect([...((await withPages(slot, table)).users ?? [])]).toEqual([
    ['a', 1],
    ['b', 3],
  ])
})
