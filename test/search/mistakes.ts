import type { PlantedMistake } from '../simulation/mutant.ts'

const erasure = 'lambdas/search/erasure.ts'
const writeBulk = 'lambdas/search/write-bulk.ts'
const bulkOutcome = 'shared/bulk-outcome.ts'
const revisions = 'shared/revisions.ts'

/** Mistakes in code that writes documents, for which the simulated index is not strict enough. */
export const searchMistakes: readonly PlantedMistake[] = [
  {
    name: 'slots-greatest-version',
    about: 'the version of a document of all users is the greatest of its slots instead of their sum',
    file: 'shared/grains/window.ts',
    right: 'slots.reduce((sum, slot) => sum + slot.version, 0)',
    wrong: 'slots.reduce((sum, slot) => Math.max(sum, slot.version), 0)',
  },
  {
    name: 'erasure-version-plus-one',
    about: 'an erasure deletes documents one version above its own',
    file: erasure,
    right: 'id: String(hit._id), version: erasedOrder',
    wrong: 'id: String(hit._id), version: erasedOrder + 1',
  },
  {
    name: 'erasure-first-page',
    about: 'an erasure deletes the first 1,000 documents only',
    file: erasure,
    right: 'hits.length === DOCUMENTS_PER_SEARCH ? hits.at(-1)?.sort : undefined',
    wrong: 'undefined',
  },
  {
    name: 'erasure-without-refresh',
    about: 'an erasure searches without a refresh',
    file: erasure,
    right: 'await client.indices.refresh({ index: index.index, ...IF_IT_EXISTS })',
    wrong: '',
  },
  {
    name: 'erasure-forgets-rejections',
    about: 'an erasure forgets deletions that a busy cluster rejected',
    file: erasure,
    right: '.every(isDone)',
    wrong: '.concat("written").some(isDone)',
  },
  {
    name: 'rejections-are-done',
    about: 'single documents that a busy cluster rejected are forgotten',
    file: writeBulk,
    right: 'if (retries > 0)',
    wrong: 'if (retries === operations.length)',
  },
  {
    name: 'rejections-are-refused',
    about: 'documents that a busy cluster rejected are quarantined',
    file: bulkOutcome,
    right: 'status === 429 || ',
    wrong: '',
  },
  {
    name: 'external-version',
    about: 'a document of the same version is not written again',
    file: 'lambdas/search/opensearch.ts',
    right: "version_type: 'external_gte'",
    wrong: "version_type: 'external'",
  },
  {
    name: 'reindex-above',
    about: 'a reindex writes above the version of the item',
    file: 'lambdas/search/reindex.ts',
    right: '({ before: undefined, after })',
    wrong: '({ before: undefined, after: { ...after, version: after.version + 1 } })',
  },
  {
    name: 'missing-index-is-done',
    about: 'a write to a missing index counts as done',
    file: bulkOutcome,
    right: "action === 'delete' ? 'superseded' : 'no_index'",
    wrong: "'superseded'",
  },
  {
    name: 'unknown-is-skipped',
    about: 'a state of an unknown projection is skipped',
    file: revisions,
    right: "'retired' : 'unknown'",
    wrong: "'retired' : 'retired'",
  },
  {
    name: 'retired-is-unknown',
    about: 'a state of a lower revision is waited for',
    file: revisions,
    right: "'retired' : 'unknown'",
    wrong: "'unknown' : 'unknown'",
  },
]
