import { projections } from '../../shared/catalogue.ts'
import type { Projection } from '../../shared/projection.ts'
import type { ReindexInput, ReindexResult } from '../../shared/reindex.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { indexOf } from '../../shared/search-index.ts'
import type { ItemKey } from '../../shared/state.ts'
import type { StepResult } from '../jobs/plan-job.ts'
import type { JobDefinition } from '../jobs/run-job.ts'
import type { Item } from '../state/dynamodb-items.ts'
import type { PageScanner } from './dynamodb.ts'

/** Segments of the table scan; they are the units of progress. */
const SEGMENTS = 16
const SEGMENTS_PER_STEP = 4
const ITEMS_PER_PAGE = 500
const STEP_MS = 2 * 60_000

/** The segments of the scan that are not done, each with the key to continue after. */
interface ReindexCursor extends ReindexInput {
  readonly open: readonly { readonly segment: number; readonly from?: ItemKey }[]
}

interface ReindexDependencies {
  readonly scan: PageScanner
  /** Creates missing indices. */
  ensureIndices(wanted: readonly Projection[]): Promise<unknown>
  /** Writes the documents of these items of the state table. Returns their number. */
  write(items: readonly Item[], wanted: readonly Projection[]): Promise<number>
}

/** Writes all documents again from the state table, after OpenSearch lost or missed them. A step reads a page of some segments. */
export function reindexJob({ scan, ensureIndices, write }: ReindexDependencies): JobDefinition<ReindexCursor> {
  // Once in each invocation. If somebody deletes an index later, the step fails, and another invocation repeats it.
  let indices: Promise<unknown> | undefined
  return {
    kind: 'reindex',
    stepMs: STEP_MS,

    check({ projection }): ReindexInput {
      if (projection === undefined) return {}
      if (typeof projection === 'string' && wantedBy(projection).length > 0) return { projection }
      throw new SafeError(`projection must be one of: ${[...new Set(projections.map(({ name }) => name))].join(', ')}.`)
    },

    async plan(input) {
      const open = Array.from({ length: SEGMENTS }, (_, segment) => ({ segment }))
      return progress({ ...(input as ReindexInput), open }, 0)
    },

    async step({ open, ...request }) {
      const wanted = wantedBy(request.projection)
      indices ??= ensureIndices(wanted)
      await indices
      const [now, later] = [open.slice(0, SEGMENTS_PER_STEP), open.slice(SEGMENTS_PER_STEP)]
      const pages = await Promise.all(
        now.map(async ({ segment, from }) => {
          const { items, next } = await scan({ segment, segments: SEGMENTS }, from, ITEMS_PER_PAGE)
          return { documents: await write(items, wanted), left: next ? [{ segment, from: next }] : [] }
        }),
      )
      const left = [...pages.flatMap(page => page.left), ...later]
      const documents = pages.reduce((sum, page) => sum + page.documents, 0)
      return progress({ ...request, open: left }, documents)
    },
  }
}

const wantedBy = (projection: string | undefined): Projection[] =>
  projections.filter(({ name }) => projection === undefined || name === projection)

function progress(cursor: ReindexCursor, documents: number): StepResult<ReindexCursor> {
  const result: ReindexResult = { indices: wantedBy(cursor.projection).map(indexOf) }
  const isDone = cursor.open.length === 0
  return {
    cursor: isDone ? null : cursor,
    ...{ done: SEGMENTS - cursor.open.length, total: SEGMENTS, counts: { documents } },
    ...(isDone && { result }),
  }
}
