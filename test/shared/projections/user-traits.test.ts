import { userTraitsProjection } from '../../../shared/projections/user-traits.ts'
import { mappingOf } from '../../../shared/search-index.ts'
import { anEvent } from '../../fixtures/builders.ts'

type Fold = Parameters<typeof userTraitsProjection.fold>
const call = (traits: unknown, group_id: string | null = null) => anEvent({ user_id: 'u1', group_id, traits }) as Fold[1]
const after = (...calls: Fold[1][]) =>
  userTraitsProjection.document(calls.reduce(userTraitsProjection.fold, userTraitsProjection.initial()), 'u1')

test('after two identify calls, a trait has its last value and the other traits stay', () => {
  expect(after(call({ plan: 'free', name: 'Ada' }), call({ plan: 'pro', age: null }))).toEqual({
    user_id: 'u1',
    traits: { plan: 'pro', name: 'Ada', age: null },
    groups: [],
  })
})

test('the traits of each group are separate from those of the user', () => {
  expect(after(call({ a: 1 }), call({ a: 2 }, 'g1'), call({ b: 3 }, '__proto__'), call({ a: 4, c: 5 }, 'g1'))).toEqual({
    user_id: 'u1',
    traits: { a: 1 },
    groups: [
      { group_id: 'g1', traits: { a: 4, c: 5 } },
      { group_id: '__proto__', traits: { b: 3 } },
    ],
  })
})

test('a trait called __proto__ is stored like any other', () => {
  expect(JSON.stringify(after(call(JSON.parse('{"__proto__":{"x":1}}')), call({ y: 2 })))).toContain(
    '{"__proto__":{"x":1},"y":2}',
  )
})

test('of more than 100 traits, or of more than 16 KB, those that were set first go', () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`t${n}`, n]))
  expect(Object.keys(after(call({ first: 1 }), call(many)).traits as object)).toEqual(Object.keys(many).slice(1))
  const large = after(call({ old: 'x'.repeat(9_000) }), call({ plan: 'pro' }), call({ new: 'y'.repeat(9_000) }))
  expect(Object.keys(large.traits as object)).toEqual(['plan', 'new'])
  const whole = after(call({ huge: 'z'.repeat(30_000) }), call({ plan: 'pro' }))
  expect(whole.traits).toEqual({ plan: 'pro' })
})

test('of more groups than fit, those that were known first go, and the traits of the user stay', () => {
  const groups = Array.from({ length: 120 }, (_, n) => call({ n, text: 'x'.repeat(200) }, `g${n}`))
  const document = after(call({ plan: 'pro' }), ...groups) as { traits: unknown; groups: { group_id: string }[] }
  expect(document.traits).toEqual({ plan: 'pro' })
  expect(document.groups.length).toBeLessThanOrEqual(100)
  expect(document.groups.at(-1)?.group_id).toBe('g119')
  expect(document.groups.map(({ group_id }) => group_id)).toEqual(
    groups.slice(-document.groups.length).map((_, i) => `g${120 - document.groups.length + i}`),
  )
})

test('traits are stored in the index but are not fields of its mapping', () => {
  const { properties } = mappingOf(userTraitsProjection.shape)
  expect(properties).toMatchObject({
    user_id: { type: 'keyword' },
    traits: { type: 'object', enabled: false },
    groups: { properties: { group_id: { type: 'keyword' }, traits: { type: 'object', enabled: false } } },
  })
})
