import type { PlantedMistake } from '../mutant.ts'

const judgeRecords = 'lambdas/quarantine/judge-records.ts'
const judgeBatch = 'lambdas/quarantine/judge-batch.ts'
const planReplay = 'lambdas/ingest/plan-replay.ts'

/** Mistakes of the quarantine and its replay. */
export const quarantineMistakes: readonly PlantedMistake[] = [
  {
    name: 'judged-by-own-types',
    about: 'what only newer code folds is quarantined without asking the item of its user',
    file: judgeRecords,
    right: 'event: decided.has(position) ? event : undefined',
    wrong: "event: decided.has(position) && event?.type === 'sim' ? event : undefined",
  },
  {
    name: 'judged-by-an-old-item',
    about: 'what the on-failure path judges is read eventually consistent',
    file: judgeBatch,
    right: 'table.readUsers(users)',
    wrong: "table.readUsers(users, 'eventual')",
  },
  {
    name: 'judged-by-seq',
    about: 'a batch that was given up counts as folded once its user has later records',
    file: judgeRecords,
    right: 'const isLast = bySequenceNumber(stored.item.sequenceNumber, sequenceNumber) === 0',
    wrong: 'const isLast = bySequenceNumber(sequenceNumber, stored.item.sequenceNumber) <= 0',
  },
  {
    name: 'judged-without-memory',
    about: 'events that the item remembers are quarantined again',
    file: judgeRecords,
    right: 'isLast || isRemembered(event)',
    wrong: 'isLast',
  },
  {
    name: 'judged-without-marks',
    about: 'events that the item passed over are quarantined again as unread',
    file: judgeRecords,
    right: 'marked.events.length > 0 ? positionsOf(events) : rememberedPositions',
    wrong: 'rememberedPositions',
  },
  {
    name: 'judged-without-doubt',
    about: 'an event that may have been folded and forgotten does not say so',
    file: judgeRecords,
    right: 'bySequenceNumber(sequenceNumber, stored.sequenceNumber) <= 0',
    wrong: 'bySequenceNumber(sequenceNumber, stored.sequenceNumber) < -1',
  },
  {
    name: 'judged-unsettled',
    about: 'what the last write passed over is not quarantined when its batch is judged',
    file: judgeBatch,
    right: '  for (const item of items.values()) if (item) await settlePassedOver(item, settling)\n',
    wrong: '',
  },
  {
    name: 'unread-user-judged',
    about: 'users that could not be read are judged as absent',
    file: judgeBatch,
    right: 'if (items.size < users.length)',
    wrong: 'if (items.size < 0)',
  },
  {
    name: 'replay-one-copy',
    about: 'equal events without an id are replayed once',
    file: 'lambdas/ingest/replay-copies.ts',
    right: 'if (event.id !== id) return {',
    wrong: 'if (event.id !== undefined) return {',
  },
  {
    name: 'replay-new-received',
    about: 'a replay of an event without an id gets a new id each time',
    file: planReplay,
    right: 'defaultId: () => idOf(stored) }',
    wrong: 'defaultId: () => crypto.randomUUID() }',
  },
]
