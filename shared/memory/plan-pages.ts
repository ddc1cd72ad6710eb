import { packIdentities, type RememberedIdentity } from './identities.ts'
import type { MemoryRules } from './identity-memory.ts'
import { isIdentityPage, type NewPage, newIdentityPage, newIndexPage, type PageContent } from './page-content.ts'
import { type PageReference, packReferences } from './references.ts'

/** The pages that a user's item names, oldest first, and the content of those that are known. */
export interface KnownPages {
  readonly references: readonly PageReference[]
  readonly contents: ReadonlyMap<string, PageContent>
}

/** The memory of a user's item after a write. */
export interface PlannedMemory extends KnownPages {
  /** The identities that stay in the item, packed. */
  readonly identities: Uint8Array
  /** The references, packed. */
  readonly pages: Uint8Array
  /** Identities of `recent` that the item no longer has. */
  readonly moved: number
  /** Pages to store before the item names them. */
  readonly newPages: readonly NewPage[]
}

const NO_PAGES = new Uint8Array()

/**
 * Keeps the memory in a user's item small. Its identities become a page when they are more than the item may have; small pages are
 * merged into larger ones, so that each identity is written a few times only; large pages move to an index. A merge that needs a page
 * that was not read waits: `dueReferences` tells the next fold to read it.
 *
 * Where pages are cut depends on how batches were cut. What is remembered does not.
 */
export function planPages(
  known: KnownPages,
  recent: readonly RememberedIdentity[],
  arrived: number,
  rules: MemoryRules,
): PlannedMemory {
  const useful = recent.filter(isUseful(arrived, rules))
  const isFull = useful.length > rules.sizes.item
  if (!isFull && known.references.length === 0)
    return { ...known, identities: packIdentities(useful), pages: NO_PAGES, moved: 0, newPages: [] }
  const draft: Draft = { references: [...known.references], contents: new Map(known.contents), newPages: new Map() }
  if (isFull) for (const some of chunks(useful, rules.sizes.large)) add(draft, newIdentityPage(some))
  draft.references = draft.references.filter(isUsefulPage(arrived, rules))
  for (const size of [rules.sizes.small, rules.sizes.large]) merge(draft, size, arrived, rules)
  moveToIndex(draft, arrived, rules)
  return {
    references: draft.references,
    contents: draft.contents,
    identities: packIdentities(isFull ? [] : useful),
    pages: packReferences(draft.references),
    moved: isFull ? recent.length : 0,
    newPages: [...draft.newPages.values()].filter(({ reference }) => isNamed(reference, draft)),
  }
}

/** The references whose pages a fold must read so that pages can be merged, or move to the index. */
export function dueReferences(references: readonly PageReference[], { sizes }: MemoryRules): PageReference[] {
  const [first] = references
  const isIndexDue = first?.isIndex && references.some(({ isIndex, count }) => !isIndex && count >= sizes.large)
  const merges = [sizes.small, sizes.large].flatMap(size => mergeable(references, size))
  return [...new Set([...merges, ...(isIndexDue || merges.length > 0 ? references.filter(({ isIndex }) => isIndex) : [])])]
}

interface Draft {
  references: PageReference[]
  readonly contents: Map<string, PageContent>
  readonly newPages: Map<string, NewPage>
}

function add(draft: Draft, page: NewPage): void {
  draft.references.push(page.reference)
  draft.contents.set(page.reference.id, page.content)
  draft.newPages.set(page.reference.id, page)
}

/** Whether the item names the page, in its references or in a new index page: a page that was merged at once is not stored. */
function isNamed({ id }: PageReference, { references, contents, newPages }: Draft): boolean {
  const isIn = (some: readonly PageReference[]): boolean => some.some(each => each.id === id)
  const indexes = [...newPages.keys()].flatMap(index => {
    const content = contents.get(index)
    return content && !isIdentityPage(content) ? [content.references] : []
  })
  return isIn(references) || indexes.some(isIn)
}

/** How long an identity can matter, in seconds. The same time again, because the arrivals in a shard may go back a little. */
const usefulSeconds = (isStated: boolean, { seconds, statedSeconds }: MemoryRules): number =>
  seconds + (isStated ? Math.max(seconds, statedSeconds) : seconds)

const isUseful =
  (now: number, rules: MemoryRules) =>
  ({ arrived, stated }: RememberedIdentity): boolean =>
    now - arrived <= usefulSeconds(stated !== undefined, rules)

const isUsefulPage =
  (now: number, rules: MemoryRules) =>
  ({ newest, stated }: PageReference): boolean =>
    now - newest <= usefulSeconds(stated !== undefined, rules)

/** The newest references, if their pages have fewer than `size` identities each but not together. The last may have more. */
function mergeable(references: readonly PageReference[], size: number): PageReference[] {
  const run: PageReference[] = []
  for (const reference of references.toReversed()) {
    if (reference.isIndex || (reference.count >= size && run.length > 0)) break
    run.unshift(reference)
  }
  return run.length > 1 && run.reduce((sum, { count }) => sum + count, 0) >= size ? run : []
}

function merge(draft: Draft, size: number, arrived: number, rules: MemoryRules): void {
  const run = mergeable(draft.references, size)
  const identities: RememberedIdentity[] = []
  for (const { id } of run) {
    const content = draft.contents.get(id)
    if (!content || !isIdentityPage(content)) return
    identities.push(...content.identities.filter(isUseful(arrived, rules)))
  }
  if (run.length === 0) return
  draft.references.splice(-run.length)
  if (identities.length > 0) add(draft, newIdentityPage(identities))
}

/** Moves the large pages of the item, and those before them, to its index. */
function moveToIndex(draft: Draft, arrived: number, rules: MemoryRules): void {
  const isLarge = ({ isIndex, count }: PageReference): boolean => !isIndex && count >= rules.sizes.large
  const end = draft.references.findLastIndex(isLarge) + 1
  const [root, ...others] = draft.references.slice(0, end)
  if (!root) return
  const content = root.isIndex ? draft.contents.get(root.id) : { references: [root] }
  if (!content || isIdentityPage(content)) return
  const listed = [...content.references, ...others].filter(isUsefulPage(arrived, rules))
  const rest = draft.references.slice(end)
  draft.references = []
  const pages = listed.filter(({ isIndex }) => !isIndex)
  if (pages.length >= rules.sizes.index) {
    add(draft, newIndexPage(pages))
    const [child] = draft.references.splice(0)
    add(draft, newIndexPage([...listed.filter(({ isIndex }) => isIndex), ...(child ? [child] : [])]))
  } else if (listed.length > 0) add(draft, newIndexPage(listed))
  draft.references.push(...rest)
}

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))
