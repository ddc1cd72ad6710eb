import type { PlantedMistake } from '../mutant.ts'

const dynamodb = 'lambdas/state/dynamodb.ts'
const dynamodbAccess = 'lambdas/state/dynamodb-access.ts'
const outbox = 'lambdas/state/outbox.ts'
const planWrites = 'lambdas/state/plan-writes.ts'
const stateParts = 'lambdas/state/dynamodb-parts.ts'
const stateRoom = 'lambdas/state/state-room.ts'

/** Mistakes of planning and writing users' items. */
export const stateWriteMistakes: readonly PlantedMistake[] = [
  {
    name: 'user-unconditional',
    about: 'items are put without a condition',
    file: dynamodbAccess,
    right:
      "readVersion === undefined\n    ? putIf(target, item, 'attribute_not_exists(pk)')\n    : putIf(target, item, 'version = :read', { ':read': { N: String(readVersion) } })",
    wrong: 'putIf(target, item)',
  },
  {
    name: 'seq-as-text',
    about: 'sequence numbers are compared as text',
    file: planWrites,
    right: 'bySequenceNumber(record.sequenceNumber, stored.item.sequenceNumber) <= 0',
    wrong: 'record.sequenceNumber <= stored.item.sequenceNumber',
  },
  {
    name: 'no-seq',
    about: 'records that the item already contains are folded again',
    file: planWrites,
    right: 'if (stored.item && bySequenceNumber(record.sequenceNumber, stored.item.sequenceNumber) <= 0) continue',
    wrong: 'if (stored.item && record.sequenceNumber === stored.item.sequenceNumber) continue',
  },
  {
    name: 'out-cumulative',
    about: 'a write keeps the outbox of the write before it',
    file: planWrites,
    right: 'write = openWrite(step, (write?.step.item ?? stored.item)?.version)',
    wrong:
      "const kept = (write?.outbox.all() ?? stored.item?.outbox ?? []).map(delta => [delta.projection + '#' + delta.start, { delta, most: 0, bytes: 0 }])\n      write = openWrite({ ...step, deltas: new Map(kept) }, (write?.step.item ?? stored.item)?.version)\n      write.outbox.tryMerge(step, projections)",
  },
  {
    name: 'duplicates-do-not-advance',
    about: 'a batch with repeated events only does not advance the item',
    file: planWrites,
    right: 'return withMemory(writes, memory',
    wrong: 'return withMemory(writes.filter(({ folded, rejections }) => folded + rejections.length > 0), memory',
  },
  {
    name: 'erasure-keeps-contributions',
    about: 'an erasure keeps the earlier deltas of its write to windows of the user',
    file: outbox,
    right: 'if (erasedOrder <= this.erasedOrder) return []',
    wrong: 'if (erasedOrder !== -1) return []',
  },
  {
    name: 'erasure-drops-all',
    about: 'an erasure also drops the deltas to windows over all users',
    file: outbox,
    right: '.grain.parts?.ofOneUser === true && order',
    wrong: '.grain.parts !== undefined && order',
  },
  {
    name: 'unprocessed-is-absent',
    about: 'unprocessed keys of a BatchGet are taken for absent users',
    file: dynamodb,
    right: 'users.filter(user => !unreadUsers.has(userKey(user).pk))',
    wrong: 'users.filter(user => !unreadUsers.has(user))',
  },
  {
    name: 'last-page-forgotten',
    about: 'what a repeated BatchGet returns for unprocessed keys is forgotten',
    file: dynamodbAccess,
    right: 'items.push(...(Responses?.[table] ?? []))',
    wrong: 'if (attempt === 0) items.push(...(Responses?.[table] ?? []))',
  },
  {
    name: 'reread-inconsistent',
    about: 'users and windows are read again eventually consistent',
    file: dynamodbAccess,
    right: 'Key: keyAttributes(key), ConsistentRead: true })',
    wrong: 'Key: keyAttributes(key) })',
  },
  {
    name: 'slots-inconsistent',
    about: 'the slots of a window are read eventually consistent',
    file: dynamodbAccess,
    right: '    ConsistentRead: true,\n    ScanIndexForward',
    wrong: '    ScanIndexForward',
  },
  {
    name: 'share-not-checked',
    about: 'a projection may use the whole item',
    file: stateRoom,
    right: 'if (bytes > share && bytes >= bytesBefore(before, key))',
    wrong: 'if (bytes > share * 9)',
  },
  {
    name: 'positions-forgotten',
    about: 'a put does not note which events it passed over',
    file: planWrites,
    right: 'const passedOver = positionsOf(write.rejections)',
    wrong: 'const passedOver: EventPosition[] = []',
  },
  {
    name: 'pages-not-read',
    about: 'the users that moved to pages are unknown to their slot',
    file: stateParts,
    right: 'const pages = stored?.pages && (await table.readUserPages(key, stored.pages))',
    wrong:
      'const pages = stored?.pages && (await table.readUserPages(key, stored.pages)).map(page => ({ ...page, users: new Map() }))',
  },
  {
    name: 'item-before-pages',
    about: 'the users of a slot leave its item before their pages are written',
    file: stateParts,
    right: '  if (newPages) await table.putUserPages(newPages)\n  const result = await table.putPart(item, stored?.version)\n',
    wrong:
      "  const result = await table.putPart(item, stored?.version)\n  if (newPages && result === 'written') await table.putUserPages(newPages)\n",
  },
  {
    name: 'page-expires-early',
    about: 'a page expires when the streams cannot deliver its records again',
    file: planWrites,
    right: '(rememberedMs(memory) + retentionMs + DAY_MS) / 1000',
    wrong: '(retentionMs - rememberedMs(memory)) / 1000',
  },
  {
    name: 'second-write-repeats-memory',
    about: 'a second write of a batch begins with the pages of the item as it was read',
    file: planWrites,
    right: '    known = planned\n',
    wrong: '',
  },
  {
    name: 'refused-deltas-merged',
    about: 'the deltas of a record that needs a write of its own are merged into the write before it, too',
    file: outbox,
    right: 'if (!this.haveRoom(changes)) return false\n      this.apply(changes)\n',
    wrong: 'const haveRoom = this.haveRoom(changes)\n      this.apply(changes)\n      if (!haveRoom) return false\n',
  },
]
