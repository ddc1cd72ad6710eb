import type { PlantedMistake } from '../mutant.ts'

const userWindow = 'shared/grains/user-window.ts'
const window = 'shared/grains/window.ts'
const grainMerge = 'shared/grains/merge.ts'
const userGrain = 'shared/grains/user.ts'
const documentGrain = 'shared/grains/document.ts'

/** Mistakes of the grains: whose states and windows an event changes. */
export const grainMistakes: readonly PlantedMistake[] = [
  {
    name: 'window-no-guard',
    about: 'a delta that a window already contains is merged again',
    file: userWindow,
    right: 'const unseen = task.deltas.filter(({ order }) => order > last)',
    wrong: 'const unseen = task.deltas',
  },
  {
    name: 'window-ignores-erasure',
    about: 'a window keeps its state from before the erasure',
    file: userWindow,
    right: 'isErased || item.state === undefined ? tryInitial(projection) : item.state',
    wrong: 'item.state === undefined ? tryInitial(projection) : item.state',
  },
  {
    name: 'slot-no-guard',
    about: 'a delta that a slot already contains is merged again',
    file: window,
    right: 'if (!isUnseen(delta)) continue',
    wrong: '',
  },
  {
    name: 'slot-one-guard',
    about: 'a slot remembers one order number for all users instead of one for each',
    file: window,
    right: 'order > lastOrder(userHash(user))',
    wrong: 'order > Math.max(0, ...users.values())',
  },
  {
    name: 'first-of-user-always',
    about: 'every delta counts its user as new to the window',
    file: window,
    right: 'firstOfUser: isExact && (isNew || uncounted.has(hash))',
    wrong: 'firstOfUser: true',
  },
  {
    name: 'index-own-version',
    about: 'the documents of a user are always written at version 1',
    file: userGrain,
    right: 'version: item.version }',
    wrong: 'version: 1 }',
  },
  {
    name: 'slots-first-only',
    about: 'the document of a window over all users shows one slot',
    file: window,
    right: 'others.reduce(',
    wrong: 'others.slice(1, 1).reduce(',
  },
  {
    name: 'expires-at-end',
    about: 'a window expires at its end, while late events still count in it',
    file: grainMerge,
    right: 'Math.max(before ?? 0, ttl)',
    wrong: 'Math.ceil(Math.max(arrivedMs, end * 1000) / 1000)',
  },
  {
    name: 'merge-throws',
    about: 'a merge that throws ends the batch of the windows function',
    file: grainMerge,
    right: '    const reason = describeError(error)\n',
    wrong: '    if (error !== undefined) throw error\n    const reason = describeError(error)\n',
  },
  {
    name: 'refused-delta-empties',
    about: 'a delta that a window rejects empties the window',
    file: userWindow,
    right: "'state' in merged ? merged.state : before",
    wrong: "'state' in merged ? merged.state : tryInitial(projection)",
  },
  {
    name: 'refused-delta-again',
    about: 'a window does not record the order number of a delta that it rejects',
    file: userWindow,
    right: 'item = { ...item, ...advanced(item, order), state:',
    wrong: "item = { ...item, ...('state' in merged ? advanced(item, order) : {}), state:",
  },
  {
    name: 'initial-throws',
    about: 'an `initial` that throws ends the batch of the windows function',
    file: userWindow,
    right: 'isErased || item.state === undefined ? tryInitial(projection) : item.state',
    wrong: 'isErased || item.state === undefined ? projection.initial() : item.state',
  },
  {
    name: 'refused-user-counted',
    about: 'a user whose delta a slot rejects counts as seen',
    file: window,
    right: 'if (isNew) uncounted.add(hash)',
    wrong: '',
  },
  {
    name: 'document-throws',
    about: 'a document that throws ends the batch',
    file: documentGrain,
    right: '  } catch (error) {\n    return { reason: `The document',
    wrong: '  } catch (error) {\n    if (error !== undefined) throw error\n    return { reason: `The document',
  },
  {
    name: 'replay-not-struck-out',
    about: 'a replayed delta stays noted in its window',
    file: userWindow,
    right: 'const passedOver = strikeOut(stored.passedOver, delta)',
    wrong: 'const passedOver = stored.passedOver',
  },
]
