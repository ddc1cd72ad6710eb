import { planDocument } from '../../lambdas/search/plan-documents.ts'
import { outcomeOf } from '../../shared/bulk-outcome.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'
import { documentId } from '../../shared/search-index.ts'
import type { UserItem } from '../../shared/state.ts'
import { aUserItem } from '../fixtures/builders.ts'

const user = (facts: Partial<UserItem>): UserItem => aUserItem('7', { version: 5, ...facts })
const visited = { 'recent-urls-r1': [{ url: '/a', at: 1 }] }
const window = {
  kind: 'window',
  user: '7',
  projection: 'device-minutes-r1',
  start: 60,
  version: 9,
  state: { events: 1, temperature: [20], duration: [2] },
}

test("a user's document is written at the version of its item", () => {
  expect(planDocument(recentUrls, undefined, user({ states: visited }))).toEqual([
    { action: 'index', index: 'recent-urls-r1', id: '7', version: 5, document: { id: 7, last_5_urls: ['/a'] } },
  ])
})

test('an erasure of a state deletes its document, at the version of the erasure', () => {
  expect(planDocument(recentUrls, user({ version: 4, states: visited }), user({ erasedOrder: 5 }))).toEqual([
    { action: 'delete', index: 'recent-urls-r1', id: '7', version: 5 },
  ])
})

test("a window's document has an id of user and window, and is deleted at its last version + 1", () => {
  const target = { index: 'device-minutes-r1', id: '7#1970-01-01T00:01:00Z' }
  expect(planDocument(deviceMinutes, undefined, window)).toMatchObject([{ action: 'index', ...target, version: 9 }])
  expect(planDocument(deviceMinutes, window, undefined)).toEqual([{ action: 'delete', ...target, version: 10 }])
})

test('an id longer than OpenSearch allows becomes a hash', () => {
  expect(documentId('u', 0)).toBe('u#1970-01-01T00:00:00Z')
  expect(documentId(null, 0)).toBe('1970-01-01T00:00:00Z')
  expect(documentId('😀'.repeat(128), null)).toBe('😀'.repeat(128))
  expect(documentId('😀'.repeat(128), 0)).toMatch(/^[0-9a-f]{64}$/)
})

test.each([
  [200, 'written'],
  [201, 'written'],
  [409, 'superseded'],
  [404, 'no_index'],
  [429, 'retry'],
  [503, 'retry'],
  [403, 'retry'],
  [400, 'refused'],
])('status %i means %s', (status, outcome) => {
  expect(outcomeOf({ action: 'index', status })).toBe(outcome)
})

test('nothing to delete is no failure', () => {
  expect(outcomeOf({ action: 'delete', status: 404 })).toBe('superseded')
})
