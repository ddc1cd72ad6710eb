import { withoutLostErasures } from '../../cli/reindex/erasures.ts'
import { isResolved } from '../../cli/reindex/release.ts'
import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { reject } from '../../shared/rejections.ts'
import { aUserItem, aVisit } from '../fixtures/builders.ts'
import { aChange } from '../fixtures/table-changes.ts'

const quarantined = (fields: object) => ({
  ...{ key: '', type: null, id: null, keyName: '', received: 0, count: 1 },
  ...reject('document_refused'),
  ...fields,
})
const indices = new Set(['recent-urls-r2', 'device-minutes-r1'])

test('a reindex resolves documents of the indices that it wrote to: no older revision, no raw events', () => {
  expect(isResolved(quarantined({ type: 'recent-urls-r2' }), indices)).toBe(true)
  expect(isResolved(quarantined({ type: 'recent-urls-r2', message: 'mapper_parsing_exception' }), indices)).toBe(true)
  expect(isResolved(quarantined({ type: 'recent-urls-r1' }), indices)).toBe(false)
  expect(isResolved(quarantined({ type: 'events-page_visit-2026.01.31' }), indices)).toBe(false)
})

test('a reindex resolves changes that the documents missed, but not those that the windows missed', () => {
  const functions = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rawEventsFunction: 'raw',
    documentsFunction: 'documents',
    isOn: () => true,
  }
  const missedBy = (name: string, message: string) => {
    const requestContext = { functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}` }
    const text = JSON.stringify({ requestContext, timestamp: '2026-01-01T00:00:00Z', DDBStreamBatchInfo: {} })
    return fromDiscarded(text, functions).missed.map(event => isResolved(quarantined({ ...event, message }), indices))
  }
  expect(missedBy('documents', 'The text of an earlier version.')).toEqual([true])
  expect(missedBy('windows', 'The text of an earlier version.')).toEqual([false])
})

test('a reindex resolves no event that was rejected itself', () => {
  expect(isResolved(quarantined({ ...reject('invalid_event'), type: aVisit('/a', 1).type }), indices)).toBe(false)
})

const erased = (user: string) => aUserItem(user, { version: 9, erasedOrder: 9, states: {} })

test('changes that erased a user stay in the quarantine if the item of the user has expired before the reindex', async () => {
  const [anna, bob] = [erased('anna'), erased('bob')]
  const bodies: Readonly<Record<string, object>> = {
    seen: { payload: { Records: [aChange(undefined, anna)] } },
    'seen as text': { payload: JSON.stringify({ Records: [aChange(undefined, anna)] }) },
    lost: { payload: { Records: [aChange(undefined, anna), aChange(undefined, bob)] } },
    'lost and new': { payload: { Records: [aChange(undefined, erased('carl'))] } },
    'without erasures': {
      payload: { Records: [aChange(undefined, aUserItem('dora', { version: 2 })), aChange(bob, undefined)] },
    },
    'without payload': {},
    'without body': {},
  }
  const table = {
    readUsers: async () =>
      new Map([
        ['anna', anna],
        ['bob', undefined],
        ['carl', aUserItem('carl', { version: 10 })],
      ]),
  }
  const events = Object.keys(bodies).map(key => quarantined({ ...reject('changes_unread'), type: 'documents', key }))
  const other = quarantined({ key: 'other' })
  const bodyOf = async ({ key }: { key: string }) => (key === 'without body' ? '' : JSON.stringify(bodies[key]))
  const left = await withoutLostErasures([...events, other], { bodyOf, table })
  expect(left.map(({ key }) => key)).toEqual(['seen', 'seen as text', 'without erasures', 'without payload', 'other'])
})
