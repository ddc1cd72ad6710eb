import type { UserItem } from '../state.ts'
import { type RememberedIdentity, unpackIdentities, wholeSecondsOf } from './identities.ts'
import { type LoadedMemory, type MemoryRules, type PlacedReference, placed } from './identity-memory.ts'
import { identityPage, type PageContent } from './page-content.ts'
import { dueReferences } from './plan-pages.ts'
import { type PageReference, unpackReferences } from './references.ts'

/** A record, or an event whose repetition is looked for: when the record arrived, in milliseconds since 1970, and the time that the event states. */
export interface Lookup {
  readonly arrived: number
  readonly stated: number | undefined
}

/** The store of the pages. */
interface PageReader {
  /** The pages of a user that exist, by id. Throws if some could not be read. */
  readPages(user: string, ids: readonly string[]): Promise<ReadonlyMap<string, PageContent>>
}

export interface LoadDependencies {
  readonly pages: PageReader
  readonly rules: MemoryRules
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A user's memory, and how many pages that can matter are not in it: they were too many, or expired before the records were read. */
export interface MemoryLoad extends LoadedMemory {
  readonly skipped: number
}

/**
 * Reads the pages that can matter to these events: those with an identity that is recognised by its arrival, those whose stated
 * times include that of an event, newest first, and those that are due to be merged. Throws if one of them is missing that cannot have
 * expired.
 */
export async function loadMemory(
  item: UserItem | undefined,
  lookups: readonly Lookup[],
  dependencies: LoadDependencies,
): Promise<MemoryLoad> {
  const recent = item ? unpackIdentities(item.identities) : []
  const references = item ? unpackReferences(item.pages) : []
  if (!item || references.length === 0) return { recent, references, contents: new Map(), skipped: 0 }
  const search = searchFor(lookups, dependencies.rules)
  const due = new Set(dueReferences(references, dependencies.rules).map(({ id }) => id))
  const contents = new Map<string, PageContent>()
  let expired = 0
  for (;;) {
    const unread = placed(references, contents, recent.length).filter(({ reference }) => !contents.has(reference.id))
    const needed = unread.filter(each => due.has(each.reference.id) || search.isInWindow(each))
    const old = unread.filter(each => !needed.includes(each) && search.mayMatch(each))
    const room = Math.max(0, dependencies.rules.maxOldPages - search.oldPages)
    const wanted = [...needed, ...old.slice(0, room)]
    if (wanted.length === 0) return { recent, references, contents, skipped: old.length + expired }
    search.oldPages += Math.min(room, old.length)
    const found = await dependencies.pages.readPages(
      item.user,
      wanted.map(({ reference }) => reference.id),
    )
    for (const each of wanted) {
      const content = found.get(each.reference.id)
      if (!content && (search.isInWindow(each) || search.mayMatch(each))) expired += 1
      contents.set(each.reference.id, content ?? expiredPage(each.reference, dependencies))
    }
  }
}

/** What is looked for, and the number of pages that were read only because of stated times. */
function searchFor(lookups: readonly Lookup[], rules: MemoryRules) {
  const first = lookups.reduce((least, { arrived }) => Math.min(least, wholeSecondsOf(arrived)), Number.POSITIVE_INFINITY)
  const stated = Float64Array.from(lookups.flatMap(lookup => lookup.stated ?? [])).sort()
  return {
    first,
    oldPages: 0,
    isInWindow: ({ reference, newer }: PlacedReference): boolean =>
      newer < rules.count && first - reference.newest <= rules.seconds,
    mayMatch: ({ reference }: PlacedReference): boolean =>
      reference.stated !== undefined &&
      first - reference.newest <= rules.statedSeconds &&
      hasBetween(stated, reference.stated.from, reference.stated.to),
  }
}

/** Whether one of the sorted values is in the range, both ends included. */
function hasBetween(sorted: Float64Array, from: number, to: number): boolean {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < from) low = middle + 1
    else high = middle
  }
  return low < sorted.length && (sorted[low] ?? 0) <= to
}

/** A page exists for at least this long after its newest identity arrived, whatever the dials were when it was written. */
const LEAST_LIFE_SECONDS = 86_400

/**
 * The content of a page that is missing. When DynamoDB may delete a page was decided by the dials of its time: after a change of a dial,
 * or when records have waited, an expired page may be one that is to be merged or that matters. No retry would find it.
 */
function expiredPage({ newest, isIndex }: PageReference, { now }: LoadDependencies): PageContent {
  if (wholeSecondsOf(now()) - newest <= LEAST_LIFE_SECONDS)
    throw new Error('A page of the identities of a user is missing. The records are delivered again.')
  return isIndex ? { references: [] } : identityPage([] as readonly RememberedIdentity[])
}
