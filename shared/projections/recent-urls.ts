import * as z from 'zod/mini'
import { pageVisit } from '../events/page-visit.ts'
import { perUser } from '../grains/user.ts'

interface Visit {
  readonly url: string
  readonly at: number
}

const URLS = 5

/**
 * Adds a visit and returns the newest `count` visits, newest first. Of visits with equal timestamps, the later arrival comes
 * first. Any integer is a timestamp: a visit of the future keeps its place until enough visits have greater timestamps.
 */
function latest(count: number, visits: readonly Visit[], visit: Visit): readonly Visit[] {
  const at = visits.findIndex(other => other.at <= visit.at)
  return visits.toSpliced(at < 0 ? visits.length : at, 0, visit).slice(0, count)
}

export const recentUrls = perUser({
  name: 'recent-urls',
  revision: 1,
  on: [pageVisit],
  initial: (): readonly Visit[] => [],
  fold: (visits, { data }) => latest(URLS, visits, { url: data.Url, at: data.Timestamp }),
  key: 'id',
  document: (visits, user) => ({ id: Number(user), last_5_urls: visits.map(visit => visit.url) }),
  shape: z.object({ id: z.int(), last_5_urls: z.array(z.string()) }),
})
