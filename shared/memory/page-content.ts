import { packIdentities, type RememberedIdentity, unpackIdentities } from './identities.ts'
import { type PageReference, packReferences, pageId, summary, unpackReferences } from './references.ts'

/** The identities of a page, oldest first. */
export interface IdentityPage {
  readonly identities: readonly RememberedIdentity[]
  /** The positions of the identities with this hash. */
  positionsOf(hash: bigint): readonly number[]
}

/** What a page contains. */
export type PageContent = IdentityPage | { readonly references: readonly PageReference[] }

export const isIdentityPage = (content: PageContent): content is IdentityPage => 'identities' in content

/** A page as it is stored. */
export interface StoredPage {
  readonly user: string
  readonly id: string
  readonly isIndex: boolean
  readonly content: Uint8Array
  /** Epoch seconds after which DynamoDB may delete it. */
  readonly ttl: number
}

/** A new page with the reference to it. */
export interface NewPage {
  readonly reference: PageReference
  readonly packed: Uint8Array
  readonly content: PageContent
}

export const NO_POSITIONS: readonly number[] = []

export function identityPage(identities: readonly RememberedIdentity[]): IdentityPage {
  let positions: Map<bigint, number[]> | undefined
  return {
    identities,
    positionsOf(hash) {
      positions ??= indexed(identities)
      return positions.get(hash) ?? NO_POSITIONS
    },
  }
}

/** The positions of identities by their hash. */
export function indexed(identities: readonly RememberedIdentity[]): Map<bigint, number[]> {
  const positions = new Map<bigint, number[]>()
  for (const [at, { hash }] of identities.entries()) addTo(positions, hash, at)
  return positions
}

export function addTo(positions: Map<bigint, number[]>, hash: bigint, at: number): void {
  const known = positions.get(hash)
  if (known) known.push(at)
  else positions.set(hash, [at])
}

export const readContent = (isIndex: boolean, packed: Uint8Array): PageContent =>
  isIndex ? { references: unpackReferences(packed) } : identityPage(unpackIdentities(packed))

export function newIdentityPage(identities: readonly RememberedIdentity[]): NewPage {
  const packed = packIdentities(identities)
  const parts = identities.map(({ arrived, stated }) => ({
    count: 1,
    oldest: arrived,
    newest: arrived,
    stated: stated === undefined ? undefined : { from: stated, to: stated },
  }))
  return { reference: { ...summary(parts), id: pageId(packed), isIndex: false }, packed, content: identityPage(identities) }
}

export function newIndexPage(references: readonly PageReference[]): NewPage {
  const packed = packReferences(references)
  return { reference: { ...summary(references), id: pageId(packed), isIndex: true }, packed, content: { references } }
}
