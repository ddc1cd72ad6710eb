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

/** What revisions.json has of one revision of a projection. */
export interface RecordedRevision {
  /** The shape of the documents. */
  readonly shape: string
  /** How many sample events it folds, and their digest. */
  readonly events: number
  readonly sample: string
  /** A digest of the states and documents that it makes of them. */
  readonly digest: string
  /** A digest of its own module. */
  readonly module: string
}

/** The content of revisions.json. It is committed, so that the code knows what earlier catalogues had. */
export interface RecordedRevisions {
  /** The projections of the catalogue, by key. */
  readonly projections: Readonly<Record<string, RecordedRevision>>
  /** The greatest revision of each name that was removed from the catalogue. */
  readonly removed: Readonly<Record<string, number>>
}

export const recordedRevisions: RecordedRevisions = recorded

/** What a catalogue knows about a projection's key. `retired`: a lower revision of a name that it has, or a name that was removed. */
export type Standing = 'known' | 'retired' | 'unknown'

export function standingOf(
  key: string,
  projections: readonly Revised[],
  { removed }: Pick<RecordedRevisions, 'removed'> = recordedRevisions,
): Standing {
  if (projections.some(projection => projectionKey(projection) === key)) return 'known'
  const { name, revision } = parseKey(key)
  const current = currentRevisions(projections).find(projection => projection.name === name)
  return revision < (current?.revision ?? 0) || revision <= (removed[name] ?? 0) ? 'retired' : 'unknown'
}

/** Name and revision of a key. The revision of a text that is no key is NaN. */
export function parseKey(key: string): Revised {
  const [, name = '', revision = 'none'] = /^(.+)-r(\d+)$/.exec(key) ?? []
  return { name, revision: Number(revision) }
}
