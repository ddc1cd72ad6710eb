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

/** What a catalogue knows about a projection's key. `retired`: a lower revision of a name that it has. */
export type Standing = 'known' | 'retired' | 'unknown'

export function standingOf(key: string, projections: readonly Revised[]): Standing {
  if (projections.some(projection => projectionKey(projection) === key)) return 'known'
  const [, name, revision] = /^(.+)-r(\d+)$/.exec(key) ?? []
  const current = currentRevisions(projections).find(projection => projection.name === name)
  return current && Number(revision) < current.revision ? 'retired' : 'unknown'
}
