import type { UnitMistake } from './plant.ts'

/** Mistakes of documents, of their erasure and of the reindex. */
export const searchMistakes: readonly UnitMistake[] = [
  {
    name: 'one-index-stops-deletions',
    about: 'an index of old raw events that cannot be deleted stops the deletion of the others',
    file: 'lambdas/search/set-up.ts',
    right: 'failures.push(notDeleted(what, error))',
    wrong: 'throw notDeleted(what, error)',
    tests: ['test/search/set-up.test.ts'],
  },
  {
    name: 'reindex-keeps-erased',
    about: 'a reindex leaves the documents of users whose erasure the documents missed',
    file: 'lambdas/search/reindex.ts',
    right: 'users: erased, windows',
    wrong: 'users: [], windows',
    tests: ['test/search/erasure.test.ts'],
  },
  {
    name: 'erased-users-in-turn',
    about: 'the documents of erased users are searched one user after another: a page with very many is not done within its step',
    file: 'lambdas/search/erasure.ts',
    right: 'const USERS_AT_ONCE = 8',
    wrong: 'const USERS_AT_ONCE = 1',
    tests: ['test/search/erasure.test.ts'],
  },
  {
    name: 'lost-erasure-released',
    about: 'a reindex removes changes from the quarantine that erased a user whose item has expired',
    file: 'cli/reindex/erasures.ts',
    right: '(users.get(user)?.erasedOrder ?? 0) >= erasedOrder',
    wrong: '(users.get(user)?.erasedOrder ?? erasedOrder) >= erasedOrder',
    tests: ['test/cli/reindex.test.ts'],
  },
  {
    name: 'erasure-before-writes',
    about: "documents of an erased user are deleted before those of the erasure's batch are written",
    file: 'lambdas/search/index-batch.ts',
    right: '  const { operations, failures } = await planDocuments(changes, dependencies)\n',
    wrong:
      '  const { operations, failures } = await planDocuments(changes, dependencies)\n  await deleteErased(dependencies.client, erasuresOf(changes, dependencies))\n  changes.length = 0\n',
    tests: ['test/search/erasure.test.ts'],
  },
  {
    name: 'erasure-of-others',
    about: 'an erasure deletes every document that shows its user',
    file: 'lambdas/search/erasure.ts',
    right: '_id === documentId(user, Number(start) / 1000)',
    wrong: '_id !== documentId(null, -1) || start',
    tests: ['test/search/erasure.test.ts'],
  },
  {
    name: 'swept-window-of-other-code',
    about: 'the sweep leaves documents of projections that the code does not know',
    file: 'lambdas/search/index-batch.ts',
    right: '!known.has(projection)',
    wrong: 'known.has(projection)',
    tests: ['test/search/erasure.test.ts'],
  },
  {
    name: 'raw-failure-counted-again',
    about: 'a raw event that cannot be indexed is another occurrence in the quarantine at each delivery of its record',
    file: 'lambdas/search/plan-events.ts',
    right: 'failures.push({ ...event, occurrence: occurrenceAt({ sequenceNumber, position }) })',
    wrong: 'failures.push(event.occurrence === occurrenceAt({ sequenceNumber, position }) ? event : { ...event })',
    tests: ['test/state/decode-record.test.ts'],
  },
]
