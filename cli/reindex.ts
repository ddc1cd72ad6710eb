import { Argument, type Command } from 'commander'
import pLimit from 'p-limit'
import { projections } from '../shared/catalogue.ts'
import { NONE } from '../shared/environment.ts'
import type { ReindexRequest, ReindexResult } from '../shared/reindex.ts'
import { UserError } from '../shared/user-error.ts'
import { invoke } from './invoke.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { findResolvable, release } from './reindex/release.ts'
import { findTarget, type Target } from './target.ts'

/** Parts of the table; progress is shown in them. */
const SEGMENTS = 16
const SEGMENTS_AT_ONCE = 4

export function reindexCommand(program: Command): void {
  withCommonOptions(program.command('reindex'))
    .description('write documents anew from the state table; safe while events flow, and as often as you like')
    .addArgument(new Argument('[projection]', 'only this projection').choices(projections.map(({ name }) => name)))
    .action(async (projection: string | undefined, { stage, json }: CommonOptions) => {
      const { documents, released } = await reindex(await findTarget(stage), projection)
      if (json) printJson({ documents, released })
      else console.log(`${documents} documents written, ${released} events left the quarantine.`)
    })
}

interface Reindexed {
  /** How many were sent, each with the version of its state. */
  readonly documents: number
  /** How many events left the quarantine, because their documents are written now. */
  readonly released: number
}

/** Writes the documents of one projection or of all; after all of them the quarantine lets go of what that has mended. */
async function reindex(target: Target, projection: string | undefined): Promise<Reindexed> {
  if (target.outputs.ReindexFunction === NONE)
    throw new UserError(`There is no OpenSearch in ${target.name}, so nothing to reindex.`)
  // Before the first document: what comes during the reindex may have missed it.
  const mendable = projection === undefined ? await findResolvable(target) : []
  const documents = await writeDocuments(target, projection)
  return { documents, released: await release(target, mendable) }
}

async function writeDocuments(target: Target, projection: string | undefined): Promise<number> {
  const progress = showProgress('reindex', SEGMENTS)
  const limit = pLimit(SEGMENTS_AT_ONCE)
  let documents = 0
  let done = 0
  const bringSegment = async (segment: number): Promise<void> => {
    let next: ReindexResult['next'] = null
    do {
      const request: ReindexRequest = {
        segment,
        segments: SEGMENTS,
        ...(projection && { projection }),
        ...(next && { from: next }),
      }
      const answer = (await invoke(target, target.outputs.ReindexFunction, request)) as ReindexResult
      documents += answer.documents
      next = answer.next
      progress.at(done, `${documents} documents`)
    } while (next)
    done += 1
    progress.at(done, `${documents} documents`)
  }
  await Promise.all(Array.from({ length: SEGMENTS }, (_, segment) => limit(() => bringSegment(segment))))
  progress.done()
  return documents
}
