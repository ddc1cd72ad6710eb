import type { EventType } from '../../shared/event-type.ts'
import { folds, type Projection } from '../../shared/projection.ts'
import { eventIndexPattern, eventMapping } from '../../shared/raw-events.ts'
import { currentRevisions } from '../../shared/revisions.ts'
import { mappingOf } from '../../shared/search-index.ts'

/** The documents of one workload in OpenSearch: those of a projection, or the raw events of a type without a projection. */
export interface Workload {
  readonly name: string
  readonly pattern: string
  readonly timeField: string | undefined
  /** The type of each field in the index, by field name. */
  readonly fields: Readonly<Record<string, string>>
}

export function workloadsOf(eventTypes: readonly EventType[], projections: readonly Projection[]): Workload[] {
  const ofProjections = currentRevisions(projections).map(({ name, grain, shape }) => ({
    name,
    pattern: name,
    timeField: grain.hasWindow ? 'window_start' : undefined,
    fields: typesOf(mappingOf(shape).properties),
  }))
  const unprojected = eventTypes.filter(type => !projections.some(projection => folds(projection, type.name)))
  const ofEvents = unprojected.map(type => ({
    name: `${type.name} events`,
    pattern: eventIndexPattern(type),
    timeField: 'received',
    fields: typesOf(eventMapping(type).properties),
  }))
  return [...ofProjections, ...ofEvents]
}

type Properties = ReturnType<typeof mappingOf>['properties']

/** The type of each leaf field of a mapping, by its path with dots. */
const typesOf = (properties: Properties, prefix = ''): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).flatMap(([name, { type, properties: inner }]) =>
      inner ? Object.entries(typesOf(inner, `${prefix}${name}.`)) : [[`${prefix}${name}`, type ?? 'object']],
    ),
  )
