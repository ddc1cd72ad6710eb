import type { Event } from '../../shared/event.ts'

/** The fields of an app_action. */
interface Fields {
  readonly user_id: number
  readonly app_name: string
  readonly event_action: string | null
  readonly event_category: string
  readonly event_value: number | null
}

/** One row of the report, as plain code sees it; `time` is microseconds since 1970. */
export interface PlainAction extends Fields {
  readonly time: bigint
  readonly u_count: number
  readonly u_mp_ea: string | null
  readonly event_id: string
}

const THREE_HOURS = 10_800_000_000n

/** The report enriched-actions in plain code; `at` is microseconds since 1970. */
export function plainEnrichedActions(events: readonly Event[], at: bigint): PlainAction[] {
  const first = new Map<string, Event>()
  for (const event of events) {
    if (event.time >= at) continue
    const identity = JSON.stringify([event.source, event.id])
    const known = first.get(identity)
    if (!known || before(event, known)) first.set(identity, event)
  }
  const standing = [...first.values()].sort((a, b) => (inOrder(a, b) ? -1 : 1))
  const users = Map.groupBy(standing, event => (event.data as Fields).user_id)
  return standing.map(event => {
    const { user_id, app_name, event_action, event_category, event_value } = event.data as Fields
    const own = users.get(user_id) ?? []
    return {
      time: event.time,
      user_id,
      app_name,
      event_action,
      event_category,
      event_value,
      u_count: own.filter(other => other.time >= at - THREE_HOURS).length,
      u_mp_ea: mostFrequent(own.map(other => (other.data as Fields).event_action)),
      event_id: event.id,
    }
  })
}

/** Whether an event stands before another of the same identity; events of the tests differ in one of these, or in nothing. */
const before = (a: Event, b: Event): boolean => a.time < b.time || (a.time === b.time && a.received < b.received)

function inOrder(a: Event, b: Event): boolean {
  if (a.time !== b.time) return a.time < b.time
  return (compare(a.id, b.id) || compare(a.source, b.source)) < 0
}

/** By code points, one after another. */
function compare(a: string, b: string): number {
  const [left, right] = [[...a], [...b]].map(characters => characters.map(character => character.codePointAt(0) ?? 0))
  for (const [at, point] of left?.entries() ?? []) {
    const other = right?.[at]
    if (other === undefined) return 1
    if (point !== other) return point - other
  }
  return (left?.length ?? 0) - (right?.length ?? 0)
}

function mostFrequent(actions: readonly (string | null)[]): string | null {
  const counts = Map.groupBy(
    actions.filter(action => action !== null),
    action => action,
  )
  const [best] = [...counts].sort(([a, as], [b, bs]) => bs.length - as.length || compare(a, b))
  return best ? best[0] : null
}
