import type { Projection } from '../shared/projection.ts'
import { EVERY_EVENT_INDEX } from '../shared/raw-events.ts'

type Verb = 'Delete' | 'Get' | 'Head' | 'Post' | 'Put'

/** HTTP verbs that a function may send to OpenSearch, and the paths that it may send them to, without the slash at their beginning. */
export interface SearchRight {
  readonly verbs: readonly Verb[]
  /** `*` matches any characters. */
  readonly paths: readonly string[]
}

export type Searcher = 'index-documents' | 'index-events' | 'set-up' | 'reindex' | 'replay' | 'query'

/** The function writes documents of any index. OpenSearch names their indices in the body. */
const bulk: SearchRight = { verbs: ['Post'], paths: ['_bulk'] }

/** What each function sends to OpenSearch, and nothing else. Only set-up deletes indices. */
export function searchRights(projections: readonly Projection[]): Readonly<Record<Searcher, readonly SearchRight[]>> {
  const prepare = prepareIndices(projections)
  return {
    'index-documents': [...prepare, ...eraseUsers, bulk],
    'index-events': [...prepareEvents, { verbs: ['Head', 'Put'], paths: [EVERY_EVENT_INDEX] }, bulk],
    'set-up': [...prepare, ...prepareEvents, ...dropEvents],
    reindex: [...prepare, ...eraseUsers, bulk],
    replay: [bulk],
    query: [
      { verbs: ['Head'], paths: [''] },
      { verbs: ['Post'], paths: [...projections.map(({ name }) => name), EVERY_EVENT_INDEX].map(index => `${index}/_search`) },
    ],
  }
}

/** The indices of all revisions of a projection. */
const indicesOf = ({ name }: Projection): string => `${name}-r*`

/** Creates the indices of projections, their templates and aliases, and adds fields. */
const prepareIndices = (projections: readonly Projection[]): SearchRight[] => {
  const indices = projections.map(indicesOf)
  return [
    { verbs: ['Head', 'Put'], paths: indices },
    { verbs: ['Get'], paths: projections.map(({ name }) => `_alias/${name}`) },
    {
      verbs: ['Post'],
      paths: ['_aliases', ...indices.flatMap(index => [`_index_template/${index}`, `${index}/_mapping`])],
    },
  ]
}

const prepareEvents: readonly SearchRight[] = [
  { verbs: ['Post'], paths: [`_index_template/${EVERY_EVENT_INDEX}`, `${EVERY_EVENT_INDEX}/_mapping`] },
]

/** Deletes the raw events that are older than their retention. */
const dropEvents: readonly SearchRight[] = [
  { verbs: ['Get', 'Delete'], paths: [EVERY_EVENT_INDEX] },
  { verbs: ['Post'], paths: [`${EVERY_EVENT_INDEX}-other/_delete_by_query`] },
]

/** The indices of all revisions, by the first digit of the revision. Not `*-r*`, which also matches raw events. */
const everyRevision = Array.from({ length: 9 }, (_, digit) => `*-r${digit + 1}*`)

/** Finds the documents of an erased user, also those of projections and revisions that only other code has. */
const eraseUsers: readonly SearchRight[] = [
  { verbs: ['Get'], paths: ['*-r*/_mapping', ...everyRevision.map(index => `${index}/_refresh`)] },
  { verbs: ['Post'], paths: everyRevision.map(index => `${index}/_search`) },
]
