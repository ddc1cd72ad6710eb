import { isResolvable } from '../../cli/reindex/release.ts'
import { fromDiscarded } from '../../lambdas/quarantine/plan-failures.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { reject } from '../../shared/rejections.ts'
import { aVisit } from '../fixtures/builders.ts'

const kept = (facts: object) => ({
  ...{ key: '', type: null, id: null, keyName: '', received: 0, count: 1 },
  ...reject('document_refused'),
  ...facts,
})

test('a reindex mends documents of projections, of older revisions too, but no raw events', () => {
  expect(isResolvable(kept({ type: 'recent-urls-r1' }))).toBe(true)
  expect(isResolvable(kept({ type: 'recent-urls-r12', message: 'mapper_parsing_exception' }))).toBe(true)
  expect(isResolvable(kept({ type: 'events-page_visit-2026.01.31' }))).toBe(false)
  expect(isResolvable(kept({ type: 'nobody-r1' }))).toBe(false)
})

test('a reindex mends changes that the documents missed, but not those that the windows missed', () => {
  const meaning = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rawEventsFunction: 'raw',
    documentsFunction: 'documents',
  }
  const missedBy = (name: string) => {
    const requestContext = { functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}` }
    const text = JSON.stringify({ requestContext, timestamp: '2026-01-01T00:00:00Z', DDBStreamBatchInfo: {} })
    return fromDiscarded(text, meaning).map(event => isResolvable(kept(event)))
  }
  expect(missedBy('documents')).toEqual([true])
  expect(missedBy('windows')).toEqual([false])
})

test('a reindex mends no event that was refused for itself', () => {
  expect(isResolvable(kept({ ...reject('invalid_event'), type: aVisit('/a', 1).type }))).toBe(false)
})
