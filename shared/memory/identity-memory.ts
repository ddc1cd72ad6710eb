import type { RememberedIdentity } from './identities.ts'
import { addTo, type IdentityPage, indexed, isIdentityPage, NO_POSITIONS, type PageContent } from './page-content.ts'
import type { PageReference } from './references.ts'

/** Which identities of a user are remembered. */
export interface MemoryRules {
  /** For so long after its arrival every event is recognised, in seconds, as long as it is among the user's newest `count`. */
  readonly seconds: number
  readonly count: number
  /** For so long after its arrival an event is recognised that states the same time again, in seconds. */
  readonly statedSeconds: number
  /** Most pages that a fold reads only because of stated times. */
  readonly maxOldPages: number
  readonly sizes: PageSizes
}

/** How many identities, or references, there are where. */
export interface PageSizes {
  /** Most identities in the user's item after a write. */
  readonly item: number
  /** Pages with fewer identities are merged when they have this many together. */
  readonly small: number
  readonly large: number
  /** References of large pages that an index page has before they move to an index page of their own. */
  readonly index: number
}

/** What was read of a user's memory before a fold. Pages that were not read cannot matter to it. */
export interface LoadedMemory {
  readonly recent: readonly RememberedIdentity[]
  readonly references: readonly PageReference[]
  /** By id. */
  readonly contents: ReadonlyMap<string, PageContent>
}

/** A page of identities, and how many identities of the user are newer than all of it. */
interface PlacedPage {
  readonly reference: PageReference
  readonly page: IdentityPage
  readonly newer: number
}

/** Up to this number of identities, looking at each is faster than an index. */
const SCANNED = 64

/** The identities of one user that a fold sees, and those that it adds. */
export class IdentityMemory {
  /** Those of the item, then those that were kept since. */
  readonly recent: RememberedIdentity[]
  /** The positions in `recent` by hash. Undefined until there are more than `SCANNED`. */
  private index: Map<bigint, number[]> | undefined
  private readonly pages: readonly PlacedPage[]
  private readonly loaded: number
  private readonly rules: MemoryRules

  constructor({ recent, references, contents }: LoadedMemory, rules: MemoryRules) {
    this.rules = rules
    this.recent = [...recent]
    this.loaded = recent.length
    this.pages = placed(references, contents, recent.length).filter(({ page }) => page !== undefined) as PlacedPage[]
  }

  /** Whether an event with this identity and stated time, in a record that arrived now, repeats one that is remembered. */
  has({ hash, arrived, stated }: RememberedIdentity): boolean {
    const repeats = (kept: RememberedIdentity | undefined, newer: number): boolean => {
      if (!kept) return false
      const age = arrived - kept.arrived
      if (age <= this.rules.seconds && newer < this.rules.count) return true
      return stated !== undefined && kept.stated === stated && age <= this.rules.statedSeconds
    }
    const kept = this.recent.length
    if (this.positionsOf(hash).some(at => repeats(this.recent[at], kept - at - 1))) return true
    return this.pages.some(({ page, newer }) =>
      page
        .positionsOf(hash)
        .some(at => repeats(page.identities[at], newer + kept - this.loaded + page.identities.length - at - 1)),
    )
  }

  keep(identity: RememberedIdentity): void {
    if (this.index) addTo(this.index, identity.hash, this.recent.length)
    this.recent.push(identity)
  }

  /** Forgets the identities from this position of `recent` on. */
  forgetFrom(position: number): void {
    for (const { hash } of this.recent.splice(position)) this.index?.get(hash)?.pop()
  }

  private positionsOf(hash: bigint): readonly number[] {
    const { recent } = this
    if (recent.length > SCANNED) {
      this.index ??= indexed(recent)
      return this.index.get(hash) ?? NO_POSITIONS
    }
    let positions = NO_POSITIONS
    for (let at = 0; at < recent.length; at++) if (recent[at]?.hash === hash) positions = [...positions, at]
    return positions
  }
}

/** A reference with the number of identities that are newer than all of its own; `page`: undefined if it was not read. */
export interface PlacedReference extends Omit<PlacedPage, 'page'> {
  readonly page: IdentityPage | undefined
}

/** The references of a memory, newest first, with those that its index pages contain as far as they were read. */
export function placed(
  references: readonly PageReference[],
  contents: ReadonlyMap<string, PageContent>,
  newer: number,
): PlacedReference[] {
  const result: PlacedReference[] = []
  let count = newer
  for (const reference of references.toReversed()) {
    const content = contents.get(reference.id)
    if (content && !isIdentityPage(content)) result.push(...placed(content.references, contents, count))
    else result.push({ reference, page: content, newer: count })
    count += reference.count
  }
  return result
}
