import { revisionProblems, standingOf } from '../../shared/revisions.ts'

const a1 = { name: 'a', revision: 1 }
const a2 = { name: 'a', revision: 2 }
const recorded = (keys: string[], removed: Record<string, number> = {}) => ({
  projections: Object.fromEntries(keys.map(key => [key, {}])),
  removed,
})

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
  expect(standingOf(key, [a2], recorded(['a-r2'], { gone: 3 }))).toBe(standing)
})

test.each([
  ['a removed projection', [a1], recorded(['a-r1', 'gone-r3']), 'from "projections" to "removed": {"gone": 3}.'],
  ['a new projection', [a1], recorded([]), 'add "a-r1": {} to "projections".'],
  ['a raised revision', [a2], recorded(['a-r1', 'a-r2']), 'remove "a-r1" from "projections"'],
  ['a lowered revision', [a1], recorded(['a-r1', 'a-r2']), 'a revision is never lowered.'],
  ['a removed name that is used again', [a1], recorded(['a-r1'], { a: 1 }), 'give it a greater revision.'],
])('%s that revisions.json does not have is one line that says what to do', (_, projections, file, message) => {
  expect(revisionProblems(projections, file)).toEqual([expect.stringContaining(message)])
})

test('two revisions of a name may be in the catalogue, and a name may return at a greater revision', () => {
  expect(revisionProblems([a2, a1], recorded(['a-r1', 'a-r2']))).toEqual([])
  expect(revisionProblems([a2], recorded(['a-r2'], { a: 1 }))).toEqual([])
})
