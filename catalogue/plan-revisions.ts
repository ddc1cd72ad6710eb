import { currentRevisions, parseKey, type RecordedRevision, type RecordedRevisions } from '../shared/revisions.ts'
import { UsageError, UserError } from '../shared/user-error.ts'
import type { Fingerprint } from './fingerprint.ts'

const RECORD = 'run `npx millrace catalogue --record`'

/** How a projection differs from what revisions.json has of its revision. */
type Change = 'none' | 'new' | 'shape' | 'results' | 'sample' | 'module'

function changeOf(found: Fingerprint, { projections }: RecordedRevisions): Change {
  const recorded = Object.hasOwn(projections, found.key) ? projections[found.key] : undefined
  if (!recorded) return 'new'
  if (recorded.shape !== found.shape) return 'shape'
  // Different results of the same events come from the projection; of other events, they may come from the event type.
  if (recorded.digest !== found.digest) return recorded.sample === found.sample ? 'results' : 'sample'
  return recorded.module === found.module ? 'none' : 'module'
}

/** What differs between a catalogue and revisions.json, each with what to do. Empty: nothing. */
export function revisionProblems(found: readonly Fingerprint[], recorded: RecordedRevisions): string[] {
  return [
    ...found.flatMap(each => changeProblem(each, recorded)),
    ...keysNotIn(found, recorded).flatMap(key => lostProblem(key, found, recorded)),
    ...found
      .filter(({ name, revision }) => revision <= removedAt(recorded, name))
      .map(
        ({ name, file }) =>
          `The projection ${name} was removed at revision ${removedAt(recorded, name)}: give it a greater revision in ${file}.`,
      ),
  ]
}

function changeProblem(found: Fingerprint, recorded: RecordedRevisions): string[] {
  const { key, name, revision, file } = found
  const raise = `raise the revision of ${name} to ${revision + 1} in ${file}, then ${RECORD}`
  const accept = `run \`npx millrace catalogue --accept ${name}\``
  switch (changeOf(found, recorded)) {
    case 'new':
      return [`revisions.json has no projection ${key}: ${RECORD}.`]
    case 'shape':
      return [`The shape of ${key} changed to ${found.shape}, but documents with the old shape are stored: ${raise}.`]
    case 'results':
      return [`${key} computes other states or documents than before, of the same ${found.events} sample events: ${raise}.`]
    case 'sample':
      return [
        `The events that ${key} folds changed, and its states or documents with them: if it may fold on with them, ${accept}, otherwise ${raise}.`,
      ]
    case 'module':
      return [
        `${file} changed, and ${key} computes the same of ${found.events} sample events: if that holds for all events, ${accept}, otherwise ${raise}.`,
      ]
    case 'none':
      return []
  }
}

const removedAt = ({ removed }: RecordedRevisions, name: string): number =>
  Object.hasOwn(removed, name) ? (removed[name] ?? 0) : 0

const keysNotIn = (found: readonly Fingerprint[], { projections }: RecordedRevisions): string[] =>
  Object.keys(projections).filter(key => found.every(each => each.key !== key))

/**
 * What to do about a key of revisions.json that the catalogue does not have: its revision was lowered or raised, or it was
 * removed. Nothing if the greater revision is reported as new.
 */
function lostProblem(key: string, found: readonly Fingerprint[], { projections }: RecordedRevisions): string[] {
  const { name, revision } = parseKey(key)
  const current = currentRevisions(found).find(each => each.name === name)
  if (!current)
    return [
      `The catalogue has no projection ${key} any more: if that is right, ${RECORD}; \`npx millrace catalogue --remove ${name}\` deletes what a stage stores of it.`,
    ]
  if (current.revision < revision)
    return [
      `The catalogue has ${name} at revision ${current.revision}, below ${key} in revisions.json: a revision is never lowered.`,
    ]
  return Object.hasOwn(projections, current.key)
    ? [`The catalogue has ${name} at revision ${current.revision}, revisions.json at ${revision} too: ${RECORD}.`]
    : []
}

/** What to write to revisions.json, and a line for each change. */
interface Recording {
  readonly recorded: RecordedRevisions
  readonly lines: readonly string[]
}

const NO_SAMPLE = ' Its event types accept no sample row, so only changes of its module are seen: give them `samples`.'

/** Records new projections and revisions, and what was removed. What changed at the same revision stays as it was. */
export function planRecord(found: readonly Fingerprint[], before: RecordedRevisions): Recording {
  const entries = new Map(Object.entries(before.projections))
  const removed = { ...before.removed }
  const lines: string[] = []
  for (const each of found) {
    const change = changeOf(each, before)
    if (change === 'new' || change === 'none') entries.set(each.key, entryOf(each))
    if (change === 'new')
      lines.push(
        `${each.key}: recorded, with what it makes of ${each.events} sample events.${each.events === 0 ? NO_SAMPLE : ''}`,
      )
  }
  for (const key of keysNotIn(found, before)) {
    const { name, revision } = parseKey(key)
    const current = currentRevisions(found).find(each => each.name === name)
    if (current && current.revision < revision) continue
    entries.delete(key)
    if (!current) removed[name] = Math.max(revision, removedAt(before, name))
    lines.push(`${key}: recorded as ${current ? `replaced by revision ${current.revision}` : 'removed'}.`)
  }
  return { recorded: { projections: inOrder(entries), removed }, lines }
}

/** Records the module of a projection that computes the same as before, and its results if they changed with its events. */
export function planAccept(name: string, found: readonly Fingerprint[], before: RecordedRevisions): Recording {
  const named = found.filter(each => each.name === name || each.key === name)
  if (named.length === 0) throw new UsageError(`The catalogue has no projection ${name}. See \`npx millrace catalogue\`.`)
  const entries = new Map(Object.entries(before.projections))
  const lines: string[] = []
  for (const each of named) {
    const change = changeOf(each, before)
    if (change === 'none') continue
    if (change !== 'module' && change !== 'sample') throw new UserError(changeProblem(each, before).join(' '))
    entries.set(each.key, entryOf(each))
    lines.push(`${each.key}: accepted. It folds on from the states that it has.`)
  }
  return { recorded: { ...before, projections: inOrder(entries) }, lines }
}

const entryOf = ({ shape, events, sample, digest, module }: RecordedRevision): RecordedRevision => ({
  shape,
  events,
  sample,
  digest,
  module,
})

const inOrder = (entries: ReadonlyMap<string, RecordedRevision>): RecordedRevisions['projections'] =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
