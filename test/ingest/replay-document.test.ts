import { replayDocument } from '../../lambdas/ingest/replay-document.ts'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import type { Projection } from '../../shared/projection.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { userActivity } from '../../shared/projections/user-activity.ts'
import { documentId, indexOf } from '../../shared/search-index.ts'
import type { UserItem } from '../../shared/state.ts'
import { windowInstant } from '../../shared/time.ts'
import { aUserItem } from '../fixtures/builders.ts'

const anna = aUserItem('anna', { version: 5 })
const erased = aUserItem('anna', { version: 9, erasedOrder: 9 })
const operation = (id: string, document: Readonly<Record<string, unknown>>): BulkOperation => ({
  ...{ action: 'index', index: 'any-r1', version: 5, id, document },
})
const ofUser = operation('anna', { n: 1, name: 'bob', user: 'anna' })
const ofWindow = operation(documentId('anna', 60), { user: 'anna', n: 5, window_start: windowInstant(60) })
const ofAll = operation(documentId(null, 60), { country: 'anna', n: 5, window_start: windowInstant(60) })

/** Replays a document. Each read of the user finds the next of these items. Returns what was written. */
async function replay(replayed: BulkOperation, ...items: readonly (UserItem | undefined)[]) {
  const written: BulkOperation[] = []
  const left = [...items]
  const users = new Set(items.map(item => item?.user))
  const rejection = await replayDocument(replayed, {
    table: { readUser: async user => (users.has(user) ? left.shift() : undefined) },
    write: async each => void written.push(each),
  })
  expect(rejection).toBeUndefined()
  return written
}

test.each([
  ['a user', ofUser],
  ['a window of a user', ofWindow],
])('a refused document of %s is written, unless the user was erased since', async (_, refused) => {
  expect(await replay(refused, anna, anna)).toEqual([refused])
  const before = aUserItem('anna', { version: 5, erasedOrder: 4 })
  expect(await replay(refused, before, before)).toEqual([refused])
  expect(await replay(refused, erased)).toEqual([])
  expect(await replay(refused, undefined)).toEqual([])
})

test('a document is deleted again if its user was erased while it was written', async () => {
  expect(await replay(ofWindow, anna, erased)).toEqual([
    ofWindow,
    { action: 'delete', index: 'any-r1', id: documentId('anna', 60), version: 9 },
  ])
})

test('documents of all users, new raw events and deletions are written as they are', async () => {
  const create: BulkOperation = { action: 'create', index: 'events-a', id: 'anna', document: { subject: 'anna' } }
  const deletion: BulkOperation = { action: 'delete', index: 'any-r1', id: 'anna', version: 5 }
  for (const each of [ofAll, create, deletion]) expect(await replay(each)).toEqual([each])
})

test('a user whose id is too long for an id of OpenSearch is found', async () => {
  const user = 'a'.repeat(600)
  const refused = operation(documentId(user, 60), { user, window_start: windowInstant(60) })
  expect(await replay(refused)).toEqual([])
})

test.each([recentUrls, userActivity] as unknown as Projection[])(
  'a refused document of $name, which has its user as a number, is not written after the erasure of the user',
  async projection => {
    const states = { 'recent-urls-r1': [{ url: '/a', at: 1 }], 'user-activity-r1': { events: 1, actions: [['login', 1]] } }
    // The number in the document has another spelling than the user.
    const item = aUserItem('007', { version: 5, states })
    const ref = projection.grain.documentRef(projection, [item]) ?? fail()
    const document = projection.grain.document(projection, [item])
    const refused: BulkOperation = { action: 'index', index: indexOf(projection), ...ref, document }
    const erasedUser = aUserItem('007', { version: 9, erasedOrder: 9 })
    expect(await replay(refused, erasedUser)).toEqual([])
    expect(await replay(refused, item, item)).toEqual([refused])
  },
)

test('a window of a user that is a number in its document is found by its id', async () => {
  const refused = operation(documentId('7', 60), { user_id: 7, window_start: windowInstant(60) })
  const seven = aUserItem('7', { version: 5 })
  expect(await replay(refused, seven, seven)).toEqual([refused])
  expect(await replay(refused, aUserItem('7', { version: 9, erasedOrder: 9 }))).toEqual([])
})
