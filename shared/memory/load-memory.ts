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
  /** How long the streams keep records, in milliseconds. A page is kept longer than that after its identities are forgotten. */
  readonly retentionMs: number
}

/** A user's memory, and how many pages were not read because they were too many. */
export interface MemoryLoad extends LoadedMemory {
  readonly skipped: number
}

/**
 * Reads the pages that can matter to these events: those with an identity that is recognised by its arrival, those whose stated
 * times include that of an event, newest first, and those that are due to be merged. Throws if one of them is missing.
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
  for (;;) {
    const unread = placed(references, contents, recent.length).filter(({ reference }) => !contents.has(reference.id))
    const needed = unread.filter(each => due.has(each.reference.id) || search.isInWindow(each))
    const old = unread.filter(each => !needed.includes(each) && search.mayMatch(each))
    const room = Math.max(0, dependencies.rules.maxOldPages - search.oldPages)
    const wanted = [...needed, ...old.slice(0, room)].map(({ reference }) => reference)
    if (wanted.length === 0) return { recent, references, contents, skipped: old.length }
    search.oldPages += Math.min(room, old.length)
    const found = await dependencies.pages.readPages(
      item.user,
      wanted.map(({ id }) => id),
    )
    for (const reference of wanted)
      contents.set(reference.id, found.get(reference.id) ?? expired(reference, search, dependencies))
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

const DAY_SECONDS = 86_400

/** The content of a page that is missing. DynamoDB deletes it only after its identities are forgotten by the dials of its time. */
function expired(
  { newest, isIndex }: PageReference,
  { first }: { readonly first: number },
  { rules, retentionMs }: LoadDependencies,
) {
  if (first - newest <= rules.seconds + wholeSecondsOf(retentionMs) + DAY_SECONDS)
    throw new Error('A page of the identities of a user is missing. The records are delivered again.')
  return isIndex ? { references: [] } : identityPage([] as readonly RememberedIdentity[])
}
