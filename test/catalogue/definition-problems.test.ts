import * as z from 'zod/mini'
import { definitionProblems } from '../../catalogue/definition-problems.ts'
import { findSources } from '../../catalogue/sources.ts'
import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { defineEvent, type EventType, type Fields, integer, text } from '../../shared/event-type.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { perUser } from '../../shared/grains/user.ts'
import { perUserWindow } from '../../shared/grains/user-window.ts'
import type { Projection } from '../../shared/projection.ts'
import type { Report } from '../../shared/report.ts'
import { durationP95 } from '../../shared/reports/duration-p95.ts'
import { enrichedActions } from '../../shared/reports/enriched-actions.ts'

const problemsOf = (catalogue: { eventTypes?: EventType[]; projections?: Projection[]; reports?: Report[] }) =>
  definitionProblems({ eventTypes: [], projections: [], reports: [], ...catalogue }, () => 'shared/file.ts')

const order = (fields: Fields, more: { idField?: string } = {}) =>
  defineEvent({ name: 'order', about: 'An order.', fields, user: () => 'u', ...more }) as EventType

const visits = (shape: z.ZodMiniObject, key = 'user') => ({
  ...{ name: 'visits', revision: 1, on: [pageVisit] as const, initial: () => 0, key, shape },
  document: () => ({}),
  fold: (count: number) => count + 1,
})
const minutes = (shape: z.ZodMiniObject) =>
  perUserWindow({ ...visits(shape), window: 60, at: ({ data }) => data.Timestamp, merge: (a, b) => a + b })

const user = z.string()

test.each([
  [
    'an array as a field',
    { eventTypes: [order({ id: integer(), items: z.array(z.string()) })] },
    'the field items of order has no archive column. A catalogued field cannot be of the type array. Use a string, a number, an integer or a boolean. Or leave it out: fields that are not catalogued are kept in `data`.',
  ],
  [
    'an object as a field',
    { eventTypes: [order({ address: z.nullable(z.object({ city: z.string() })) })] },
    'the field address of order has no archive column. A catalogued field cannot be of the type object. Use a string, a number, an integer or a boolean. Or leave it out: fields that are not catalogued are kept in `data`.',
  ],
  [
    'an id field that is also a field',
    { eventTypes: [order({ order_id: integer(), note: text() }, { idField: 'order_id' })] },
    'the field order_id of order is its idField; leave it out of fields: it becomes the id of the event.',
  ],
  [
    'a window document without window_start',
    { projections: [minutes(z.object({ user, n: z.int() }))] },
    'the shape of visits has no window_start: z.iso.datetime(); documents of windows are found and sorted by it.',
  ],
  [
    'a window_start that is no instant',
    { projections: [minutes(z.object({ user, window_start: z.int() }))] },
    'the shape of visits has no window_start: z.iso.datetime(); documents of windows are found and sorted by it.',
  ],
  [
    'a key that is no field of the document',
    { projections: [perUser(visits(z.object({ user }), 'user_id'))] },
    'the key of visits, user_id, is no field of its shape; add it: documents are found by it.',
  ],
  [
    'a shape that no mapping has',
    { projections: [perUser(visits(z.object({ user, at: z.date() })))] },
    'the field at in the shape of visits has no mapping. A document field cannot be of the type date. Use an object, array, string, number or boolean.',
  ],
  [
    'a report that never runs',
    { reports: [{ ...enrichedActions, everyHours: 0 }] },
    'the report enriched-actions would never run; everyHours must be an integer from 1 to 23.',
  ],
  [
    'a report without a schedule',
    { reports: [{ ...enrichedActions, everyHours: undefined as unknown as number }] },
    'the report enriched-actions would never run; everyHours must be an integer from 1 to 23.',
  ],
  [
    'a report of no kind',
    { reports: [{ ...durationP95, kind: undefined } as unknown as Report] },
    'the report duration-p95 has no schedule; define it with dailyReport or snapshotReport.',
  ],
  [
    'two types with one name',
    { eventTypes: [order({ id: integer() }), order({ other: text() })] },
    'another event type is named order too; rename one.',
  ],
  [
    'two names of event types that differ in case only, for which SQL has one view',
    { eventTypes: [order({ id: integer() }), { ...order({ id: integer() }), name: 'Order' }] },
    'another event type is named Order too; rename one.',
  ],
  [
    'the name of the view of all events',
    { eventTypes: [{ ...order({ id: integer() }), name: 'events' }] },
    'no event type can be named events, as the view of all events in SQL is; rename it.',
  ],
])('%s is one line with file, name, field and remedy', (_, catalogue, problem) => {
  expect(problemsOf(catalogue)).toEqual([`shared/file.ts: ${problem}`])
})

test('the shipped definitions can work, and are in the files that the catalogue imports', async () => {
  const fileOf = await findSources()
  expect(definitionProblems({ eventTypes, projections, reports }, fileOf)).toEqual([])
  expect([pageVisit, durationP95, ...projections].map(fileOf)).toEqual([
    'shared/events/page-visit.ts',
    'shared/reports/duration-p95.ts',
    ...projections.map(({ name }) => `shared/projections/${name}.ts`),
  ])
})
