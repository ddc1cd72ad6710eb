import { standingOf } from '../../shared/revisions.ts'

test.each([
  ['a-r2', 'known'],
  ['a-r1', 'retired'],
  ['a-r3', 'unknown'],
  ['gone-r1', 'retired'],
  ['gone-r3', 'retired'],
  ['gone-r4', 'unknown'],
  ['constructor-r1', 'unknown'],
  ['odd', 'unknown'],
])('%s is %s to a catalogue with a-r2 that had gone-r3', (key, standing) => {
  expect(standingOf(key, [{ name: 'a', revision: 2 }], { removed: { gone: 3 } })).toBe(standing)
})
