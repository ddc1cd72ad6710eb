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

test('traits are stored in the index but are not fields of its mapping', () => {
  const { properties } = mappingOf(userTraitsProjection.shape)
  expect(properties).toMatchObject({
    user_id: { type: 'keyword' },
    traits: { type: 'object', enabled: false },
    groups: { properties: { group_id: { type: 'keyword' }, traits: { type: 'object', enabled: false } } },
  })
})
