import { Argument, type Command } from 'commander'
import pLimit from 'p-limit'
import { projections } from '../shared/catalogue.ts'
import { NONE } from '../shared/environment.ts'
import type { ReindexRequest, ReindexResult } from '../shared/reindex.ts'
import { UserError } from '../shared/user-error.ts'
import { invoke } from './invoke.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { collectedItems } from './quarantine/scan.ts'
import { isResolved, release } from './reindex/release.ts'
import { findTarget, type Target } from './target.ts'

/** Segments of the table scan; the progress bar counts them. */
const SEGMENTS = 16
const SEGMENTS_AT_ONCE = 4

export function reindexCommand(program: Command): void {
  withCommonOptions(program.command('reindex'))
    .description('write all documents again from the state table; safe to repeat, and safe while events arrive')
    .addArgument(
      new Argument('[projection]', 'reindex only this projection').choices([...new Set(projections.map(({ name }) => name))]),
    )
    .action(async (projection: string | undefined, { stage, json }: CommonOptions) => {
      const { documents, released } = await reindex(await findTarget(stage), projection)
      if (json) printJson({ documents, released })
      else console.log(`${documents} documents written, ${released} events removed from the quarantine.`)
    })
}

interface ReindexTotals {
  /** Documents sent to OpenSearch, each with the version of its state. */
  readonly documents: number
  /** Events removed from the quarantine because their documents are now written. */
  readonly released: number
}

/** Writes the documents of one projection or of all. A reindex of all also removes the events that it resolves from the quarantine. */
async function reindex(target: Target, projection: string | undefined): Promise<ReindexTotals> {
  if (target.outputs.ReindexFunction === NONE)
    throw new UserError(`There is nothing to reindex: ${target.name} runs without OpenSearch.`)
  // Read before the first document is written: the reindex may not cover events quarantined while it runs.
  const quarantined = projection === undefined ? await collectedItems(target) : []
  const { documents, indices } = await writeDocuments(target, projection)
  const resolved = quarantined.filter(item => isResolved(item, indices))
  return { documents, released: await release(target, resolved) }
}

interface Written {
  readonly documents: number
  readonly indices: ReadonlySet<string>
}

async function writeDocuments(target: Target, projection: string | undefined): Promise<Written> {
  const progress = showProgress('reindex', SEGMENTS)
  const limit = pLimit(SEGMENTS_AT_ONCE)
  const indices = new Set<string>()
  let documents = 0
  let done = 0
  const writeSegment = async (segment: number): Promise<void> => {
    for await (const result of segmentPages(target, projection, segment)) {
      documents += result.documents
      for (const index of result.indices) indices.add(index)
      progress.at(done, `${documents} documents`)
    }
    done += 1
    progress.at(done, `${documents} documents`)
  }
  await Promise.all(Array.from({ length: SEGMENTS }, (_, segment) => limit(() => writeSegment(segment))))
  progress.done()
  return { documents, indices }
}

/** Invokes the reindex function until the segment is done. Yields the result of each invocation. */
async function* segmentPages(target: Target, projection: string | undefined, segment: number): AsyncGenerator<ReindexResult> {
  let next: ReindexResult['next'] = null
  do {
    const request: ReindexRequest = {
      segment,
      segments: SEGMENTS,
      ...(projection && { projection }),
      ...(next && { from: next }),
    }
    const result = (await invoke(target, target.outputs.ReindexFunction, request)) as ReindexResult
    yield result
    next = result.next
  } while (next)
}
