import recorded from '../revisions.json' with { type: 'json' }
import { type Projection, projectionKey } from './projection.ts'

type Revised = Pick<Projection, 'name' | 'revision'>

/**
 * The greatest revision of each name. It holds the alias in OpenSearch and answers the API; the order of the catalogue does not
 * matter.
 */
export function currentRevisions<Some extends Revised>(projections: readonly Some[]): Some[] {
  const greatest = new Map<string, Some>()
  for (const projection of projections) {
    const before = greatest.get(projection.name)
    if (!before || before.revision < projection.revision) greatest.set(projection.name, projection)
  }
  return [...greatest.values()]
}

/** The content of revisions.json. It is committed, so that the code knows what earlier catalogues had. */
export interface RecordedRevisions {
  /** The projections of the catalogue, by key. */
  readonly projections: Readonly<Record<string, object>>
  /** The greatest revision of each name that was removed from the catalogue. */
  readonly removed: Readonly<Record<string, number>>
}

export const recordedRevisions: RecordedRevisions = recorded

/** What a catalogue knows about a projection's key. `retired`: a lower revision of a name that it has, or a name that was removed. */
export type Standing = 'known' | 'retired' | 'unknown'

export function standingOf(key: string, projections: readonly Revised[], { removed } = recordedRevisions): Standing {
  if (projections.some(projection => projectionKey(projection) === key)) return 'known'
  const { name, revision } = parseKey(key)
  const current = currentRevisions(projections).find(projection => projection.name === name)
  return revision < (current?.revision ?? 0) || revision <= (removed[name] ?? 0) ? 'retired' : 'unknown'
}

function parseKey(key: string): Revised {
  const [, name = '', revision = 'none'] = /^(.+)-r(\d+)$/.exec(key) ?? []
  return { name, revision: Number(revision) }
}

/** What differs between a catalogue and revisions.json, each with what to do. Empty: nothing. */
export function revisionProblems(projections: readonly Revised[], { projections: listed, removed }: RecordedRevisions): string[] {
  const keys = projections.map(projectionKey)
  const latest = new Map(currentRevisions(projections).map(({ name, revision }) => [name, revision]))
  return [
    ...keys
      .filter(key => !Object.hasOwn(listed, key))
      .map(key => `revisions.json has no projection ${key}: add "${key}": {} to "projections".`),
    ...Object.keys(listed)
      .filter(key => !keys.includes(key))
      .map(key => unlistedProblem(key, latest)),
    ...projections
      .filter(({ name, revision }) => revision <= (removed[name] ?? 0))
      .map(({ name }) => `The projection ${name} was removed at revision ${removed[name]}: give it a greater revision.`),
  ]
}

function unlistedProblem(key: string, latest: ReadonlyMap<string, number>): string {
  const { name, revision } = parseKey(key)
  const current = latest.get(name)
  if (current === undefined)
    return `The catalogue has no projection ${key}: move it in revisions.json from "projections" to "removed": {"${name}": ${revision}}.`
  return current > revision
    ? `The catalogue has ${name} at revision ${current}: remove "${key}" from "projections" in revisions.json.`
    : `The catalogue has ${name} at revision ${current}, below ${key} in revisions.json: a revision is never lowered.`
}
