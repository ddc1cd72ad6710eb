import { isName, isText, type Row } from './lines.ts'

export interface Visit {
  readonly event_id: string
  readonly Id: number
  readonly Url: string
  readonly Timestamp: number
}

export interface RecentUrls {
  readonly id: number
  readonly last_5_urls: readonly string[]
}

export const isVisit = (row: Row): boolean =>
  isName(row['event_id']) && Number.isSafeInteger(row['Id']) && isText(row['Url']) && Number.isSafeInteger(row['Timestamp'])

/** `visits` are in arrival order. */
export function recentUrls(visits: readonly Visit[]): RecentUrls[] {
  const users = Map.groupBy(visits, visit => visit.Id)
  return [...users].map(([id, theirs]) => {
    const newestFirst = theirs
      .map((visit, arrival) => ({ ...visit, arrival }))
      .sort((a, b) => b.Timestamp - a.Timestamp || b.arrival - a.arrival)
    return { id, last_5_urls: newestFirst.slice(0, 5).map(visit => visit.Url) }
  })
}
