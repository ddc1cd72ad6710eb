import type { IdentifiedSummary, QuarantineSummary } from '../../shared/quarantine.ts'
import type { RejectionCode } from '../../shared/rejections.ts'
import { UserError } from '../../shared/user-error.ts'

/** Conditions on quarantined events; an absent condition matches every event. */
export interface Filter {
  /** The start of the key. */
  readonly key?: string | undefined
  readonly code?: RejectionCode
  readonly type?: string
  /** Milliseconds since 1970, included. */
  readonly since?: number
  /** Milliseconds since 1970, excluded. */
  readonly until?: number
}

/** The matching events in the order they were received, which is the order to replay them in. */
export const selectItems = <Item extends QuarantineSummary>(
  items: readonly Item[],
  { key, code, type, since, until }: Filter,
): Item[] =>
  items
    .filter(
      item =>
        (key === undefined || item.key.startsWith(key)) &&
        (code === undefined || item.code === code) &&
        (type === undefined || item.type === type) &&
        (since === undefined || item.received >= since) &&
        (until === undefined || item.received < until),
    )
    .sort((a, b) => a.received - b.received)

export interface QuarantinePage {
  readonly total: number
  readonly items: readonly QuarantineSummary[]
  /** The key after which the next page starts; null on the last page. */
  readonly cursor: string | null
}

/** The newest `limit` items after the cursor. Throws if its event is gone: nothing else says where the page would begin. */
export function pageOf(items: readonly IdentifiedSummary[], limit: number, cursor: string | undefined): QuarantinePage {
  const sorted = items.toSorted((a, b) => b.received - a.received || (a.key < b.key ? -1 : 1))
  const start = cursor === undefined ? 0 : sorted.findIndex(({ key }) => key === cursor) + 1
  if (cursor !== undefined && start === 0)
    throw new UserError(
      `No quarantined event has the key ${cursor}: it was replayed or discarded meanwhile, or it is not a cursor of a list. List again without --cursor.`,
    )
  const page = sorted.slice(start, start + limit)
  return {
    total: items.length,
    items: page.map(asListed),
    cursor: start + limit < sorted.length ? (page.at(-1)?.key ?? null) : null,
  }
}

const asListed = ({ subject: _subject, parts: _parts, ...summary }: IdentifiedSummary): QuarantineSummary => summary
