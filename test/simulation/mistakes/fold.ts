import type { PlantedMistake } from '../mutant.ts'

const foldBatch = 'lambdas/state/fold-batch.ts'
const foldRecord = 'lambdas/state/fold-record.ts'
const foldEvents = 'lambdas/state/fold-events.ts'
const surviveFold = 'lambdas/state/survive-fold.ts'

/** Mistakes of folding the records of a batch. */
export const foldMistakes: readonly PlantedMistake[] = [
  {
    name: 'place-among-folded',
    about: 'the position of an event is its index among those that the code folds: another version marks another event',
    file: 'lambdas/state/decode-record.ts',
    right: 'positions: folded.map(({ position }) => position)',
    wrong: 'positions: [...folded.keys()]',
  },
  {
    name: 'conflict-is-done',
    about: 'a conflict on the user item counts as success',
    file: foldBatch,
    right: "if (result === 'conflict') {\n    telemetry.count('Conflicts', 1)\n    return false",
    wrong: "if (result === 'conflict') {\n    telemetry.count('Conflicts', 1)\n    return true",
  },
  {
    name: 'report-success',
    about: 'the function never reports failures',
    file: foldBatch,
    right: 'return { batchItemFailures: [{ itemIdentifier: failed.sequenceNumber }] }',
    wrong: 'return { batchItemFailures: [] }',
  },
  {
    name: 'unread-is-done',
    about: 'a user that could not be read is skipped',
    file: foldBatch,
    right: 'const done = read.has(user) ? await foldUser(user, read.get(user), mine, dependencies) : 0',
    wrong: 'const done = read.has(user) ? await foldUser(user, read.get(user), mine, dependencies) : mine.length',
  },
  {
    name: 'last-failure-first',
    about: 'the last failed record is reported instead of the first',
    file: foldBatch,
    right: 'return Math.min(records.length, ...uncommitted)',
    wrong:
      'return Math.max(...uncommitted.map(at => (at < records.length ? at : -1))) < 0 ? records.length : Math.max(...uncommitted.map(at => (at < records.length ? at : -1)))',
  },
  {
    name: 'keep-refused',
    about: 'the identity of a rejected event is kept',
    file: foldEvents,
    right: '  const event = record.events[from]\n',
    wrong:
      '  const event = record.events[from]\n  if (event && to - from === 1)\n    folding.fold.memory.keep({ hash: shortHash(identityHash(event)), arrived: wholeSecondsOf(record.arrived), stated: event.stated })\n',
  },
  {
    name: 'order-restarts',
    about: 'the order number ignores the arrival and restarts after an erased item expired',
    file: foldRecord,
    right: 'version: nextOrder(item.version, clock)',
    wrong: 'version: item.version + 1',
  },
  {
    name: 'lateness-unbounded',
    about: 'late events are counted in windows that may have expired',
    file: foldEvents,
    right: 'isLate(record.arrived, target.end * 1000, fold.rules)) late',
    wrong: '(false as boolean)) late',
  },
  {
    name: 'erasure-forgets-order',
    about: 'an erasure forgets which records the item contains',
    file: foldRecord,
    right: 'if (record.erasure) fold.item = erase(fold.item, record, rules)',
    wrong:
      "if (record.erasure) {\n      memory.recent.splice(0)\n      fold.item = { ...erase(fold.item, record, rules), sequenceNumber: '0' }\n    }",
  },
  {
    name: 'forget-by-received',
    about: 'identities are forgotten by the clock of ingest, which may be ahead',
    file: foldEvents,
    right: 'const arrived = wholeSecondsOf(record.arrived)',
    wrong: 'const arrived = wholeSecondsOf(record.received)',
  },
  {
    name: 'null-is-initial',
    about: 'a fold starts from the initial state after a state that is null',
    file: foldEvents,
    right: 'const before = orInitial(projection, states[key])',
    wrong: 'const before = states[key] ?? orInitial(projection, undefined)',
  },
  {
    name: 'passed-over-unsettled',
    about: 'events that the last write passed over are not quarantined by the next attempt',
    file: foldBatch,
    right: 'if (item) await settlePassedOver(item, settlingOf(dependencies))',
    wrong: '',
  },
  {
    name: 'quarantined-before-put',
    about: 'rejected events are quarantined before the put that may lose',
    file: foldBatch,
    right: 'const result = await table.putUser(write.item, write.readVersion)',
    wrong:
      'await quarantinePassedOver(write.item.user, passedOver, dependencies)\n  const result = await table.putUser(write.item, write.readVersion)',
  },
  {
    name: 'late-by-received',
    about: 'lateness is measured by the clock of ingest',
    file: foldEvents,
    right: 'isLate(record.arrived',
    wrong: 'isLate(record.received',
  },
  {
    name: 'budget-spent-and-folded',
    about: 'an event past its budget is quarantined and folded',
    file: foldEvents,
    right: '    if (failure) return failure\n    fold.memory.keep(identity)',
    wrong:
      "    if (failure?.code === 'retry_budget_spent' && to - from === 1 && !draftEvent(folding, changes, event)) settle(folding, { ...changes, folded: 1 })\n    if (failure) return failure\n    fold.memory.keep(identity)",
  },
  {
    name: 'attempt-not-noted',
    about: 'an attempt to fold is not noted before it begins',
    file: surviveFold,
    right: '  await table.writeAttempts(user, first.sequenceNumber, attempts)\n',
    wrong: '',
  },
  {
    name: 'trial-not-noted',
    about: 'the event that is tried is not noted before its fold',
    file: foldEvents,
    right: '    if (!record.rejected?.has(position)) await before(position)\n',
    wrong: '',
  },
  {
    name: 'page-not-stored',
    about: 'a page is not stored before the item names it',
    file: foldBatch,
    right: 'await pages.putPages(write.newPages)',
    wrong: 'await Promise.resolve()',
  },
  {
    name: 'failed-record-keeps-identities',
    about: 'the identities of a record that fails as a whole are kept while its events are folded one by one',
    file: foldEvents,
    right: 'if (failure) memory.forgetFrom(remembered)',
    wrong: '',
  },
  {
    name: 'failed-record-is-one',
    about: 'of a record that fails as a whole only the first event is tried alone',
    file: foldEvents,
    right: 'if (event && to - from === 1) ',
    wrong: 'if (event) ',
  },
]
