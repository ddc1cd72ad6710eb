/** One deliberate mistake: a piece of the product's source and its wrong replacement. */
export interface PlantedMistake {
  readonly name: string
  readonly about: string
  readonly file: string
  readonly right: string
  readonly wrong: string
}

/** A mistake that the simulation catches. */
export interface Mistake extends PlantedMistake {
  /** The first seed that catches it. */
  readonly seed: number
  /** If that seed no longer catches it, because the code changed: one among this many seeds must. */
  readonly within: number
}

const dynamodb = 'lambdas/state/dynamodb.ts'
const foldBatch = 'lambdas/state/fold-batch.ts'
const foldRecord = 'lambdas/state/fold-record.ts'
const identities = 'shared/identities.ts'
const planWrites = 'lambdas/state/plan-writes.ts'
const userWindow = 'shared/grains/user-window.ts'
const window = 'shared/grains/window.ts'
const grainMerge = 'shared/grains/merge.ts'
const mergeBatch = 'lambdas/windows/merge-batch.ts'
const userGrain = 'shared/grains/user.ts'
const indexBatch = 'lambdas/search/index-batch.ts'

export const mistakes: readonly Mistake[] = [
  {
    name: 'conflict-is-done',
    about: 'a conflict on the user item counts as success',
    file: foldBatch,
    right: "if (result === 'conflict') {\n    telemetry.count('Conflicts', 1)\n    return false",
    wrong: "if (result === 'conflict') {\n    telemetry.count('Conflicts', 1)\n    return true",
    seed: 209,
    within: 5000,
  },
  {
    name: 'report-success',
    about: 'the function never reports failures',
    file: foldBatch,
    right: 'return { batchItemFailures: [{ itemIdentifier: failed.sequenceNumber }] }',
    wrong: 'return { batchItemFailures: [] }',
    seed: 2,
    within: 5000,
  },
  {
    name: 'unread-is-done',
    about: 'a user that could not be read is skipped',
    file: foldBatch,
    right: 'const done = read.has(user) ? await foldUser(user, read.get(user), mine, dependencies) : 0',
    wrong: 'const done = read.has(user) ? await foldUser(user, read.get(user), mine, dependencies) : mine.length',
    seed: 2,
    within: 5000,
  },
  {
    name: 'last-failure-first',
    about: 'the last failed record is reported instead of the first',
    file: foldBatch,
    right: 'return Math.min(records.length, ...uncommitted)',
    wrong:
      'return Math.max(...uncommitted.map(at => (at < records.length ? at : -1))) < 0 ? records.length : Math.max(...uncommitted.map(at => (at < records.length ? at : -1)))',
    seed: 37,
    within: 5000,
  },
  {
    name: 'user-unconditional',
    about: 'items are put without a condition',
    file: dynamodb,
    right:
      "readVersion === undefined\n    ? putIf(target, item, 'attribute_not_exists(pk)')\n    : putIf(target, item, 'version = :read', { ':read': { N: String(readVersion) } })",
    wrong: 'putIf(target, item)',
    seed: 13,
    within: 5000,
  },
  {
    name: 'seq-as-text',
    about: 'sequence numbers are compared as text',
    file: planWrites,
    right: 'bySequenceNumber(record.sequenceNumber, stored.sequenceNumber) <= 0',
    wrong: 'record.sequenceNumber <= stored.sequenceNumber',
    seed: 0,
    within: 5000,
  },
  {
    name: 'no-seq',
    about: 'records that the item already contains are folded again',
    file: planWrites,
    right: 'if (stored && bySequenceNumber(record.sequenceNumber, stored.sequenceNumber) <= 0) continue',
    wrong: 'if (stored && record.sequenceNumber === stored.sequenceNumber) continue',
    seed: 35,
    within: 5000,
  },
  {
    name: 'out-cumulative',
    about: 'a write keeps the outbox of the write before it',
    file: planWrites,
    right: 'write = openWrite(step, step.deltas, (write?.item ?? stored)?.version, at + 1)',
    wrong:
      'write = openWrite(step, mergeOutbox((write?.item ?? stored)?.outbox ?? [], step, projections), (write?.item ?? stored)?.version, at + 1)',
    seed: 0,
    within: 5000,
  },
  {
    name: 'trim-beyond-count-late',
    about: 'identities beyond the count are dropped later than after the event',
    file: identities,
    right: 'if (known.size > window.count) dropOldest()',
    wrong: 'if (known.size > window.count + 3) dropOldest()',
    seed: 2,
    within: 5000,
  },
  {
    name: 'forget-by-event',
    about: 'identities never expire by age',
    file: foldRecord,
    right: 'identities.forget(record.arrived)',
    wrong: 'identities.forget(0)',
    seed: 5,
    within: 5000,
  },
  {
    name: 'keep-refused',
    about: 'the identity of a rejected event is kept',
    file: foldRecord,
    right: '    const change = tryFold(fold, event, arrived, deltas, record.fatal?.has(position) ?? false)\n',
    wrong:
      '    identities.keep(hash, arrived)\n    const change = tryFold(fold, event, arrived, deltas, record.fatal?.has(position) ?? false)\n',
    seed: 4,
    within: 5000,
  },
  {
    name: 'record-hash-of-refused',
    about: 'the hash of a record with a rejected event is kept',
    file: foldRecord,
    right: 'if (rejections.length === 0 && !recordHashes.has(whole))',
    wrong: 'if (!recordHashes.has(whole))',
    seed: 4,
    within: 5000,
  },
  {
    name: 'duplicates-do-not-advance',
    about: 'a batch with repeated events only does not advance the item',
    file: planWrites,
    right: 'return write ? [...writes, write] : writes',
    wrong: 'return write && write.folded + write.rejections.length > 0 ? [...writes, write] : writes',
    seed: 3,
    within: 5000,
  },
  {
    name: 'order-restarts',
    about: 'the order number ignores the arrival and restarts after an erased item expired',
    file: foldRecord,
    right: 'version: nextOrder(item.version, clock)',
    wrong: 'version: item.version + 1',
    seed: 521,
    within: 5000,
  },
  {
    name: 'erasure-keeps-contributions',
    about: 'an erasure keeps the earlier deltas of its write to windows of the user',
    file: planWrites,
    right: 'if (!parts || (parts.ofOneUser && delta.order <= erased)) continue',
    wrong: 'if (!parts) continue',
    seed: 134,
    within: 5000,
  },
  {
    name: 'erasure-drops-all',
    about: 'an erasure also drops the deltas to windows over all users',
    file: planWrites,
    right: 'if (!parts || (parts.ofOneUser && delta.order <= erased)) continue',
    wrong: 'if (!parts || delta.order <= erased) continue',
    seed: 3,
    within: 5000,
  },
  {
    name: 'window-no-guard',
    about: 'a delta that a window already contains is merged again',
    file: userWindow,
    right: 'const unseen = task.deltas.filter(({ order }) => order > item.version)',
    wrong: 'const unseen = task.deltas',
    seed: 3,
    within: 5000,
  },
  {
    name: 'window-ignores-erasure',
    about: 'a window keeps its state from before the erasure',
    file: userWindow,
    right: 'const before = isErased ? initialState(projection) : item.state',
    wrong: 'const before = item.state',
    seed: 7,
    within: 5000,
  },
  {
    name: 'slot-no-guard',
    about: 'a delta that a slot already contains is merged again',
    file: window,
    right: 'if (!isUnseen(delta)) continue',
    wrong: '',
    seed: 3,
    within: 5000,
  },
  {
    name: 'slot-one-guard',
    about: 'a slot remembers one order number for all users instead of one for each',
    file: window,
    right: 'order > lastOrder(userHash(user))',
    wrong: 'order > Math.max(0, ...users.values())',
    seed: 0,
    within: 5000,
  },
  {
    name: 'first-of-user-always',
    about: 'every delta counts its user as new to the window',
    file: window,
    right: 'firstOfUser: isExact && (isNew || uncounted.has(hash))',
    wrong: 'firstOfUser: true',
    seed: 0,
    within: 5000,
  },
  {
    name: 'lateness-unbounded',
    about: 'late events are counted in windows that may have expired',
    file: foldRecord,
    right: 'if (isLate(arrived, target, rules)) change',
    wrong: 'if (false as boolean) change',
    seed: 0,
    within: 5000,
  },
  {
    name: 'merge-once',
    about: 'a conflict on a window counts as success',
    file: mergeBatch,
    right: "if (result === 'written') return\n    dependencies.telemetry.count('Conflicts', 1)\n",
    wrong: 'return\n',
    seed: 13,
    within: 5000,
  },
  {
    name: 'index-own-version',
    about: 'the documents of a user are always written at version 1',
    file: userGrain,
    right: 'version: item.version }',
    wrong: 'version: 1 }',
    seed: 7,
    within: 5000,
  },
  {
    name: 'slots-first-only',
    about: 'the document of a window over all users shows one slot',
    file: window,
    right: 'others.reduce(',
    wrong: 'others.slice(1, 1).reduce(',
    seed: 0,
    within: 5000,
  },
  {
    name: 'erasure-leaves-documents',
    about: 'an erasure does not delete window documents',
    file: indexBatch,
    right: 'after.erasedOrder > erasedBefore ? [after] : []',
    wrong: 'after && after.erasedOrder < 0 ? [after] : []',
    seed: 95,
    within: 5000,
  },
  {
    name: 'expires-at-end',
    about: 'a window expires at its end, while late events still count in it',
    file: grainMerge,
    right: 'Math.max(before ?? 0, Math.ceil((newestMs + latenessMs + retentionMs + DAY_MS) / 1000))',
    wrong: 'Math.ceil((newestMs + DAY_MS * 0) / 1000)',
    seed: 37,
    within: 5000,
  },
  {
    name: 'erasure-forgets-order',
    about: 'an erasure forgets which records the item contains',
    file: foldRecord,
    right: 'if (record.erasure) fold.item = erase(fold.item, record, rules)',
    wrong:
      "if (record.erasure) {\n      identities.forget(1e15)\n      recordHashes.forget(1e15)\n      fold.item = { ...erase(fold.item, record, rules), sequenceNumber: '0' }\n    }",
    seed: 7,
    within: 5000,
  },
  {
    name: 'forget-by-received',
    about: 'identities are forgotten by the clock of ingest, which may be ahead',
    file: foldRecord,
    right: 'identities.forget(record.arrived)',
    wrong: 'identities.forget(record.received)',
    seed: 4,
    within: 5000,
  },
  {
    name: 'unprocessed-is-absent',
    about: 'unprocessed keys of a BatchGet are taken for absent users',
    file: dynamodb,
    right: 'if (!unread.has(userKey(user).pk)) read.set(user, found.get(user))',
    wrong: 'if (unread.size >= 0) read.set(user, found.get(user))',
    seed: 2,
    within: 5000,
  },
  {
    name: 'last-page-forgotten',
    about: 'what a repeated BatchGet returns for unprocessed keys is forgotten',
    file: dynamodb,
    right: 'items.push(...(Responses?.[table] ?? []))',
    wrong: 'if (attempt === 0) items.push(...(Responses?.[table] ?? []))',
    seed: 2,
    within: 5000,
  },
  {
    name: 'reread-inconsistent',
    about: 'users and windows are read again eventually consistent',
    file: dynamodb,
    right: 'Key: keyAttributes(key), ConsistentRead: true })',
    wrong: 'Key: keyAttributes(key) })',
    seed: 1,
    within: 5000,
  },
  {
    name: 'slots-inconsistent',
    about: 'the slots of a window are read eventually consistent',
    file: dynamodb,
    right: '    ConsistentRead: true,\n    ScanIndexForward',
    wrong: '    ScanIndexForward',
    seed: 0,
    within: 5000,
  },
  {
    name: 'size-without-identities',
    about: 'the size of a state is checked without the identities',
    file: foldRecord,
    right: 'const identityBytes = fold.identities.bytes() + fold.recordHashes.bytes()',
    wrong: 'const identityBytes = 0',
    seed: 20,
    within: 5000,
  },
  {
    name: 'pages-not-read',
    about: 'the users that moved to pages are unknown to their slot',
    file: mergeBatch,
    right: 'const pages = stored?.pages && (await table.readUserPages(key, stored.pages))',
    wrong:
      'const pages = stored?.pages && (await table.readUserPages(key, stored.pages)).map(page => ({ ...page, users: new Map() }))',
    seed: 5,
    within: 5000,
  },
  {
    name: 'item-before-pages',
    about: 'the users of a slot leave its item before their pages are written',
    file: mergeBatch,
    right: '  if (newPages) await table.putUserPages(newPages)\n  const result = await table.putPart(item, stored?.version)\n',
    wrong:
      "  const result = await table.putPart(item, stored?.version)\n  if (newPages && result === 'written') await table.putUserPages(newPages)\n",
    seed: 63,
    within: 5000,
  },
]
