import type { PlantedMistake } from '../mutant.ts'

const mergeBatch = 'lambdas/windows/merge-batch.ts'
const unknownDeltas = 'lambdas/windows/unknown-deltas.ts'
const indexBatch = 'lambdas/search/index-batch.ts'

/** Mistakes of the functions that read the state table's changes. */
export const changeReaderMistakes: readonly PlantedMistake[] = [
  {
    name: 'delta-by-types',
    about: 'a rejected delta is another entry of the quarantine for code in which its projection folds more types',
    file: 'lambdas/windows/plan-windows.ts',
    right: '  type: null,',
    wrong: '  type: String(rejection.reason.length % 2),',
  },
  {
    name: 'merge-once',
    about: 'a conflict on a window counts as success',
    file: mergeBatch,
    right: "if (result === 'written') return\n    dependencies.telemetry.count('Conflicts', 1)\n",
    wrong: 'return\n',
  },
  {
    name: 'erasure-of-known-projections',
    about: 'an erasure leaves the documents of a projection that only newer code has',
    file: 'lambdas/search/erasure.ts',
    right: '!Number.isNaN(parseKey(index).revision)',
    wrong: "!index.startsWith('fresh-')",
  },
  {
    name: 'erasure-leaves-documents',
    about: 'an erasure does not delete window documents',
    file: indexBatch,
    right: 'after.erasedOrder > erasedBefore ? [after] : []',
    wrong: 'after && after.erasedOrder < 0 ? [after] : []',
  },
  {
    name: 'unknown-delta-skipped',
    about: 'deltas of a projection that the function does not know are skipped',
    file: unknownDeltas,
    right: "if (standingOf(delta.projection, projections) !== 'unknown') continue",
    wrong: 'continue',
  },
  {
    name: 'unknown-document-skipped',
    about: 'documents of a projection that a deployment brings are not waited for',
    file: indexBatch,
    right: 'if (waiting.size > 0)',
    wrong: 'if (waiting.size < 0)',
  },
  {
    name: 'refused-delta-lost',
    about: 'a delta that a window rejects is not quarantined',
    file: mergeBatch,
    right: '  await quarantineAll(noted)\n',
    wrong: '',
  },
  {
    name: 'passed-over-before-roll-back',
    about: 'an event that new code rejected stays unquarantined, if a roll-back to code without its type follows the write',
    file: mergeBatch,
    right: '  await settleAll(items, { ...dependencies, marksExpire: redelivered })\n',
    wrong: '',
  },
  {
    name: 'rejected-before-put',
    about: 'a rejected delta is quarantined before the put that may lose',
    file: mergeBatch,
    right: '  await quarantineAll(others)\n',
    wrong: '  await quarantineAll(rejections)\n',
  },
  {
    name: 'noted-unsettled',
    about: 'deltas that an attempt noted before it ended are not quarantined by the next',
    file: mergeBatch,
    right: '  await quarantineAll(notedDeltas(task, stored))\n',
    wrong: '',
  },
  {
    name: 'given-up-not-stored',
    about: 'a delta that was given up is not stored for code that knows its projection',
    file: mergeBatch,
    right: '  await table.storeRetired(givenUp)\n',
    wrong: '',
  },
  {
    name: 'stored-not-taken',
    about: 'deltas that were stored for a roll-back are not merged',
    file: mergeBatch,
    right: 'const taken = await takeInRetired(dependencies)',
    wrong: 'const taken = 0',
  },
]
