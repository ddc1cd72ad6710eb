import { projectionsIn } from '../../cli/catalogue/stored.ts'
import { keyAttributes, partAttributes, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { passedOverKey, retiredKey, userPageKey } from '../../shared/state.ts'
import { aUserItem } from '../fixtures/builders.ts'

const part = { version: 1, state: {}, start: 60, projection: 'gone-r1' }
const slot = { pk: 'window#gone-r1#1970-01-01T00:01:00Z', sk: 'slot#0' }

test.each([
  ['a window of a user', partAttributes({ ...part, kind: 'window', user: 'anna' })],
  ['a slot', partAttributes({ ...part, kind: 'slot', slot: 0, users: new Map() })],
  ['a page of a slot', keyAttributes(userPageKey({ slot, version: 1, index: 0 }))],
  ['a retired delta', keyAttributes(retiredKey({ projection: 'gone-r1', start: 60, user: 'window#other-r1#', order: 1 }))],
])('%s belongs to its projection', (_, item) => {
  expect(projectionsIn(item)).toEqual({ states: [], part: 'gone-r1' })
})

test.each([
  ['progress of a shard', { pk: 'shard#s0', sk: 'progress' }],
  ['the note of a shard', { pk: 'shard#s0', sk: 'first-folded' }],
  [
    'an event that was passed over, of a user with an odd name',
    passedOverKey('window#gone-r1#', { sequenceNumber: '1', position: 0 }),
  ],
])('%s belongs to none', (_, key) => {
  expect(projectionsIn(keyAttributes(key))).toEqual({ states: [], part: undefined })
})

test('the item of a user has the states of several projections, whatever the user is called', () => {
  const item = userAttributes(aUserItem('window#gone-r1#', { states: { 'gone-r1': 1, 'recent-urls-r1': [] } }))
  expect(projectionsIn(item)).toEqual({ states: ['gone-r1', 'recent-urls-r1'], part: undefined })
})
