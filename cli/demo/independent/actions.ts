import { byBytes, countOf, isIntegerOrNull, isName, isText, isTextOrNull, type Row } from './lines.ts'

/** An action with an own time; every action that the demo sends has one. */
export interface Action {
  readonly event_id: string
  readonly user_id: number
  readonly app_name: string
  readonly event_action: string | null
  readonly event_category: string
  readonly event_value: number | null
  /** `YYYY-MM-DD HH:MM:SS.ffffff`, UTC. */
  readonly event_time: string
}

export interface UserActivity {
  readonly user_id: number
  readonly events: number
  readonly favourite_action: string | null
}

export interface EnrichedAction extends Action {
  readonly u_count: number
  readonly u_mp_ea: string | null
}

export const isAction = (row: Row): boolean =>
  isName(row['event_id']) &&
  Number.isSafeInteger(row['user_id']) &&
  [row['app_name'], row['event_category']].every(isText) &&
  isTextOrNull(row['event_action']) &&
  isIntegerOrNull(row['event_value']) &&
  Number.isFinite(millis(row['event_time']))

const millis = (time: unknown): number => Date.parse(`${String(time).replace(' ', 'T')}Z`)

export const userActivity = (actions: readonly Action[]): UserActivity[] =>
  [...Map.groupBy(actions, action => action.user_id)].map(([user_id, theirs]) => ({
    user_id,
    events: theirs.length,
    favourite_action: favourite(theirs),
  }))

function favourite(actions: readonly Action[]): string | null {
  const counts = [...countOf(actions.map(action => action.event_action).filter(action => action !== null))]
  return counts.sort(([a, m], [b, n]) => n - m || byBytes(a, b))[0]?.[0] ?? null
}

const THREE_HOURS = 3 * 3_600_000

/** `run`: milliseconds since 1970. */
export function enrichedActions(actions: readonly Action[], run: number): EnrichedAction[] {
  const before = actions.filter(action => millis(action.event_time) < run)
  const users = Map.groupBy(before, action => action.user_id)
  return [...users.values()].flatMap(theirs => {
    const u_count = theirs.filter(action => millis(action.event_time) >= run - THREE_HOURS).length
    const u_mp_ea = favourite(theirs)
    return theirs.map(action => ({ ...action, u_count, u_mp_ea }))
  })
}
