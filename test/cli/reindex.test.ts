import { isResolved } from '../../cli/reindex/release.ts'
import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { reject } from '../../shared/rejections.ts'
import { aVisit } from '../fixtures/builders.ts'

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
