import { isName } from '../../shared/event.ts'
import type { Document } from '../../shared/grain.ts'
import { tryDocument } from '../../shared/grains/document.ts'
import { MAX_NAME_CHARACTERS } from '../../shared/limits.ts'
import { type Projection, projectionKey, type UserView } from '../../shared/projection.ts'
import { type Rejection, reject } from '../../shared/rejections.ts'
import { currentRevisions } from '../../shared/revisions.ts'
import type { PartItem, UserItem } from '../../shared/state.ts'
import { EARLIEST, inRange, LATEST, lastPresent, wholeSeconds, windowInstant } from '../../shared/time.ts'
import type { Telemetry } from '../handler.ts'
import { annotateProjectionErrors } from '../projection-errors.ts'
import { rowsThatFit } from '../response-size.ts'
import type { StateTable } from '../state/dynamodb.ts'
import type { KeyRange } from '../state/dynamodb-access.ts'
import { type QueryParameters, readSecond } from './parameters.ts'

/** A response holds this many windows of each projection, newest first, if they fit. */
const WINDOWS_PER_PROJECTION = 100

/** The part of a response that all windows may have, and all states. */
const HALF = 0.5

/**
 * Reads the user of GET /v1/users with its windows in [from, to), by default those that begin at most 24 hours from now
 * (milliseconds since 1970).
 */
export async function queryUser(
  user: string,
  parameters: QueryParameters,
  now: number,
  read: (user: string, range: KeyRange) => Promise<UserView | undefined>,
): Promise<UserView | Rejection> {
  const from = readSecond(parameters, 'from')
  const to = readSecond(parameters, 'to')
  if (typeof from === 'object') return from
  if (typeof to === 'object') return to
  // Windows of the future must not hide the others.
  const last = to === undefined ? (from === undefined ? lastPresent(now) : LATEST) : to - 1n
  const range = { from: formatSecond(from ?? EARLIEST), to: formatSecond(last) }
  // No user has a longer id, and the table would refuse to look for it.
  const isUser = isName(user, MAX_NAME_CHARACTERS)
  return (isUser ? await read(user, range) : undefined) ?? reject('not_found', 'No user has this id.')
}

/** The start of a window, at or before an instant, in the keys of windows. */
const formatSecond = (micros: bigint): string => windowInstant(wholeSeconds(inRange(micros) ?? EARLIEST))

/** The items of a user, by projection. */
export type PartsOfUser = ReadonlyMap<Projection, readonly PartItem[]>

/**
 * Reads all states and the newest windows of a user from the state table, of the greatest revision of each projection. Undefined
 * when the table has no such user. Logs what the response leaves out.
 */
export async function readUser(
  user: string,
  table: Pick<StateTable, 'readUser' | 'partsBelow'>,
  projections: readonly Projection[],
  telemetry: Pick<Telemetry, 'annotate'>,
  range: KeyRange = {},
): Promise<UserView | undefined> {
  const current = currentRevisions(projections)
  const windows = current.flatMap(projection => {
    const prefix = projection.grain.parts?.keysOfUser(user, projectionKey(projection))
    return prefix ? [table.partsBelow(prefix, WINDOWS_PER_PROJECTION, range).then(items => [projection, items] as const)] : []
  })
  const [item, ...read] = await Promise.all([table.readUser(user), ...windows])
  if (!item) return undefined
  const { view, failures } = describeUser(item, current, new Map(read))
  annotateProjectionErrors(telemetry, failures)
  return view
}

interface Description {
  /** Undefined: nobody of this name is known. */
  readonly view: UserView | undefined
  /** Why documents are missing from the view, each reason once. */
  readonly failures: readonly string[]
}

/**
 * The documents of a user's items, without those that their projection cannot make. The item remains without states after an
 * erasure, which also hides the windows up to it, or if all events of the user were rejected: a user with nothing else is unknown.
 */
export function describeUser(item: UserItem, projections: readonly Projection[], parts: PartsOfUser): Description {
  const failures = new Set<string>()
  const documentOf = (projection: Projection, part: UserItem | PartItem): Document[] => {
    const made = tryDocument(projection, [part])
    if ('document' in made) return [made.document]
    failures.add(made.reason)
    return []
  }
  const states = statesOf(item, projections, documentOf)
  const windows = windowsOf(item, parts, documentOf)
  const mayBeUnknown = item.erasedOrder > 0 || item.ttl !== undefined
  const isUnknown = mayBeUnknown && states.length + windows.length + failures.size === 0
  const fitting = rowsThatFit(states, HALF)
  const statesOmitted = states.slice(fitting.length).map(([name]) => name)
  const view = {
    user: item.user,
    states: Object.fromEntries(fitting),
    windows: Object.fromEntries(windows),
    ...(statesOmitted.length > 0 && { statesOmitted }),
  }
  return { view: isUnknown ? undefined : view, failures: [...failures] }
}

type DocumentOf = (projection: Projection, part: UserItem | PartItem) => readonly Document[]

const statesOf = (item: UserItem, projections: readonly Projection[], documentOf: DocumentOf): (readonly [string, Document])[] =>
  projections
    .filter(projection => projection.grain.parts === undefined && projection.grain.documentRef(projection, [item]) !== undefined)
    .flatMap(projection => documentOf(projection, item).map(document => [projection.name, document] as const))

const windowsOf = (
  { erasedOrder }: UserItem,
  parts: PartsOfUser,
  documentOf: DocumentOf,
): (readonly [string, readonly Document[]])[] =>
  [...parts]
    .map(([projection, items]): readonly [string, readonly Document[]] => {
      const known = items.filter(({ version }) => version > erasedOrder).slice(0, WINDOWS_PER_PROJECTION)
      return [
        projection.name,
        rowsThatFit(
          known.flatMap(item => documentOf(projection, item)),
          HALF / parts.size,
        ),
      ]
    })
    .filter(([, documents]) => documents.length > 0)
