import * as z from 'zod/mini'
import { fingerprintOf } from '../../catalogue/fingerprint.ts'
import { sampleEvents } from '../../catalogue/sample-events.ts'
import { sampleValue } from '../../catalogue/sample-values.ts'
import { shapeText } from '../../catalogue/shape-text.ts'
import { moduleDigest } from '../../catalogue/sources.ts'
import type { Event } from '../../shared/event.ts'
import { dateTime, defineEvent, epochSeconds, flag, integer, nullable, number, text } from '../../shared/event-type.ts'
import { pageVisit } from '../../shared/events/page-visit.ts'
import { perWindow } from '../../shared/grains/window.ts'
import type { Projection } from '../../shared/projection.ts'
import { deviceMinutes } from '../../shared/projections/device-minutes.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'

const digestOf = (projection: Projection) => fingerprintOf(projection, 'a.ts', '').digest

/** The functions of a projection that may change, whatever its grain is. */
interface Folding {
  fold(state: unknown, event: Event): unknown
  document(state: unknown, about: unknown): object
  merge?(stored: unknown, delta: unknown, about: unknown): unknown
}

const visitMinutes = perWindow({
  name: 'visit-minutes',
  revision: 1,
  on: [pageVisit],
  window: 60,
  at: ({ data }) => data.Timestamp,
  slots: 2,
  initial: () => ({ visits: 0, users: 0 }),
  fold: ({ visits }) => ({ visits: visits + 1, users: 1 }),
  merge: (stored, delta, { firstOfUser }) => ({
    visits: stored.visits + delta.visits,
    users: stored.users + (firstOfUser ? 1 : 0),
  }),
  document: (state, { start }) => ({ ...state, window_start: new Date(start * 1000).toISOString() }),
  shape: z.object({ visits: z.int(), users: z.int(), window_start: z.iso.datetime() }),
})

test.each([recentUrls, deviceMinutes, visitMinutes].map(projection => [projection.name, projection as Projection] as const))(
  '%s: a change of its fold, its merge or its document changes the digest, and nothing else does',
  (_, projection) => {
    const { fold, document, merge } = projection as Projection & Folding
    const changed = [
      { ...projection, fold: (state: unknown, event: Event) => (event.received % 7_000 === 0 ? state : fold(state, event)) },
      { ...projection, document: (state: unknown, about: unknown) => ({ ...document(state, about), more: 1 }) },
      ...(merge ? [{ ...projection, merge: (stored: unknown) => stored }] : []),
    ]
    const digests = [projection, ...changed].map(each => digestOf(each as Projection))
    expect(new Set(digests).size).toBe(digests.length)
    expect(digestOf({ ...projection })).toBe(digests[0])
  },
)

const common = { name: 'order', about: 'An order.', user: () => 'u' }
const fields = { id: integer(), at: dateTime(), paid: flag(), price: nullable(number()), seconds: epochSeconds() }

test('a field that a type gains changes no value of another field', () => {
  const rows = (more: object) =>
    sampleEvents([defineEvent({ ...common, fields: { ...fields, ...more } })]).map(({ data }) => data as Record<string, unknown>)
  const longer = rows({ note: nullable(text()) })
  expect(longer.map(({ note, ...row }) => row)).toEqual(rows({}))
  expect(new Set(longer.map(({ note }) => note)).size).toBeGreaterThan(10)
})

test('values of all kinds of schemas pass their checks, and differ', () => {
  const kinds = [
    ...Object.values(fields),
    z.enum(['a', 'b']),
    z.literal([1, 2]),
    z.union([text(), integer()]),
    z.optional(text()),
  ]
  for (const schema of kinds) {
    const values = Array.from({ length: 200 }, (_, n) => sampleValue(schema, `seed${n}`))
    expect(values.filter(value => !z.safeParse(schema, value).success)).toEqual([])
    expect(new Set(values).size).toBeGreaterThan(1)
  }
})

test('a type that accepts no sample row has no events, unless its definition gives values', () => {
  const sku = () => z.string().check(z.regex(/^SKU-\d{4}$/))
  expect(sampleEvents([defineEvent({ ...common, fields: { sku: sku() } })])).toEqual([])
  const given = sampleEvents([defineEvent({ ...common, fields: { sku: sku() }, samples: { sku: ['SKU-0001', 'SKU-0002'] } })])
  expect(given).toHaveLength(1_000)
})

test('the digest of a module ignores comments, types, layout and names of variables, and sees every other change', () => {
  const source = "import { a } from './a.ts'\nexport const b = (x: number) => a(x) + 1\n"
  const same = "// Why.\nimport { a, type T } from './a.ts'\n\nexport const b = (y: number): T =>\n  a(y) + 1\n"
  expect(moduleDigest(same)).toBe(moduleDigest(source))
  for (const other of [source.replace('+ 1', '+ 2'), source.replace("'./a.ts'", "'./b.ts'"), source.replace('b =', 'c =')])
    expect(moduleDigest(other)).not.toBe(moduleDigest(source))
})

test('the text of a shape tells all kinds of fields apart, and not their order', () => {
  const shape = z.object({
    n: z.int(),
    d: z.nullable(z.number()),
    at: z.optional(z.iso.datetime()),
    list: z.array(z.nullable(z.string())),
  })
  expect(shapeText(shape)).toBe('{ at?: datetime, d: number | null, list: (string | null)[], n: integer }')
  expect(shapeText(z.object({ tags: z.record(z.string(), z.unknown()) }))).toBe('{ tags: { [name: string]: unknown } }')
})
