import { planAccept, planRecord, revisionProblems } from '../../catalogue/plan-revisions.ts'
import type { RecordedRevision } from '../../shared/revisions.ts'

const entry: RecordedRevision = { shape: '{ n: integer }', events: 1000, sample: 's', digest: 'd', module: 'm' }
const found = (name: string, revision: number, changed: Partial<RecordedRevision> = {}) => {
  const file = `shared/projections/${name}.ts`
  return { ...entry, key: `${name}-r${revision}`, name, revision, file, ...changed }
}
const recorded = (keys: readonly string[], removed: Record<string, number> = {}) => ({
  projections: Object.fromEntries(keys.map(key => [key, entry])),
  removed,
})

test.each([
  ['a removed projection', [found('a', 1)], recorded(['a-r1', 'gone-r3']), 'has no projection gone-r3 any more'],
  ['a new projection', [found('a', 1)], recorded([]), 'revisions.json has no projection a-r1'],
  ['a raised revision', [found('a', 2)], recorded(['a-r1', 'a-r2']), 'at revision 2, revisions.json at 1 too'],
  ['a lowered revision', [found('a', 1)], recorded(['a-r1', 'a-r2']), 'a revision is never lowered.'],
  ['a removed name that is used again', [found('a', 1)], recorded(['a-r1'], { a: 1 }), 'give it a greater revision'],
  ['another shape', [found('a', 1, { shape: '{}', digest: 'e' })], recorded(['a-r1']), 'raise the revision of a to 2'],
  ['other results', [found('a', 1, { digest: 'e', module: 'n' })], recorded(['a-r1']), 'raise the revision of a to 2'],
  ['other results of other events', [found('a', 1, { digest: 'e', sample: 't' })], recorded(['a-r1']), '--accept a`'],
  ['another module', [found('a', 1, { module: 'n' })], recorded(['a-r1']), '--accept a`'],
])('%s is one line that says what to do', (_, projections, file, message) => {
  expect(revisionProblems(projections, file)).toEqual([expect.stringContaining(message)])
})

test.each([
  ['two revisions of a name', [found('a', 2), found('a', 1)], recorded(['a-r1', 'a-r2'])],
  ['a name that returns at a greater revision', [found('a', 2)], recorded(['a-r2'], { a: 1 })],
  ['other events with the same results', [found('a', 1, { sample: 't' })], recorded(['a-r1'])],
])('%s: no problem', (_, projections, file) => {
  expect(revisionProblems(projections, file)).toEqual([])
})

test('a recording keeps what changed at the same revision and what was lowered, and remembers what was removed', () => {
  const before = recorded(['a-r1', 'b-r2', 'gone-r1', 'gone-r2'], { old: 4 })
  const { recorded: after, lines } = planRecord([found('a', 1, { digest: 'e' }), found('b', 1), found('c', 1)], before)
  expect(after).toEqual({ projections: recorded(['a-r1', 'b-r1', 'b-r2', 'c-r1']).projections, removed: { old: 4, gone: 2 } })
  expect(lines).toEqual([
    'b-r1: recorded, with what it makes of 1000 sample events.',
    'c-r1: recorded, with what it makes of 1000 sample events.',
    'gone-r1: recorded as removed.',
    'gone-r2: recorded as removed.',
  ])
})

test('a recording says that a projection has no sample, and takes over other events with the same results', () => {
  const { recorded: after, lines } = planRecord(
    [found('a', 1, { events: 0 }), found('b', 1, { sample: 't' })],
    recorded(['b-r1']),
  )
  expect(lines).toEqual([expect.stringContaining('give them `samples`')])
  expect(after.projections['b-r1']?.sample).toBe('t')
})

test('what is accepted is the key or each revision of a name; an unknown name is refused', () => {
  const before = recorded(['a-r1', 'a-r2'])
  const now = [found('a', 1, { module: 'n' }), found('a', 2, { module: 'n' })]
  expect(planAccept('a', now, before).lines).toHaveLength(2)
  expect(planAccept('a-r2', now, before).recorded.projections).toEqual({ 'a-r1': entry, 'a-r2': { ...entry, module: 'n' } })
  expect(planAccept('a', [found('a', 1)], before).lines).toEqual([])
  expect(() => planAccept('b', now, before)).toThrow('The catalogue has no projection b.')
})
