import type { EventType } from '../../shared/event-type.ts'
import type { Projection } from '../../shared/projection.ts'
import { eventIndexPattern, eventMapping } from '../../shared/raw-events.ts'
import { mappingOf } from '../../shared/search-index.ts'

/** What one workload keeps in OpenSearch: the documents of a projection, or the raw events of a type without one. */
export interface Workload {
  readonly name: string
  readonly pattern: string
  readonly timeField: string | undefined
  /** Fields by name, with their type in the index. */
  readonly fields: Readonly<Record<string, string>>
}

export function workloadsOf(eventTypes: readonly EventType[], projections: readonly Projection[]): Workload[] {
  const ofProjections = projections.map(({ name, scope, shape }) => ({
    name,
    pattern: name,
    timeField: scope === 'user' ? undefined : 'window_start',
    fields: typesOf(mappingOf(shape).properties),
  }))
  const alone = eventTypes.filter(type => !projections.some(({ on }) => on.name === type.name))
  const ofEvents = alone.map(type => ({
    name: `${type.name} events`,
    pattern: eventIndexPattern(type),
    timeField: 'received',
    fields: typesOf(eventMapping(type).properties),
  }))
  return [...ofProjections, ...ofEvents]
}

type Properties = ReturnType<typeof mappingOf>['properties']

/** Leaves of a mapping, nested ones by their path. */
const typesOf = (properties: Properties, prefix = ''): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).flatMap(([name, { type, properties: inner }]) =>
      inner ? Object.entries(typesOf(inner, `${prefix}${name}.`)) : [[`${prefix}${name}`, type ?? 'object']],
    ),
  )
