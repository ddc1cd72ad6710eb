import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** The product's code under simulation: this checkout, or a copy with a deliberate mistake. */
export interface Code {
  readonly streamRecord: typeof import('../../shared/stream-record.ts')
  readonly event: typeof import('../../shared/event.ts')
  readonly state: typeof import('../../shared/state.ts')
  readonly grains: Grains
  readonly items: typeof import('../../lambdas/state/dynamodb-items.ts')
  readonly stateTable: typeof import('../../lambdas/state/dynamodb.ts')
  readonly pagesTable: typeof import('../../lambdas/state/dynamodb-pages.ts')
  readonly foldBatch: typeof import('../../lambdas/state/fold-batch.ts')
  readonly foldTurns: typeof import('../../lambdas/state/fold-turns.ts')
  readonly mergeBatch: typeof import('../../lambdas/windows/merge-batch.ts')
  readonly sweep: typeof import('../../lambdas/windows/plan-sweep.ts')
  readonly erasure: typeof import('../../lambdas/search/erasure.ts')
  readonly indexBatch: typeof import('../../lambdas/search/index-batch.ts')
  readonly replayEvents: typeof import('../../lambdas/ingest/replay-events.ts')
  readonly replayDelta: typeof import('../../lambdas/ingest/replay-delta.ts')
  readonly planFailures: typeof import('../../lambdas/quarantine/plan-failures.ts')
  readonly judgeBatch: typeof import('../../lambdas/quarantine/judge-batch.ts')
}

type Grains = typeof import('../../shared/grains/user.ts') &
  typeof import('../../shared/grains/user-window.ts') &
  typeof import('../../shared/grains/window.ts')

export async function loadCode(root: string): Promise<Code> {
  const load = (file: string) => import(pathToFileURL(path.join(root, file)).href)
  return {
    streamRecord: await load('shared/stream-record.ts'),
    event: await load('shared/event.ts'),
    state: await load('shared/state.ts'),
    grains: {
      ...(await load('shared/grains/user.ts')),
      ...(await load('shared/grains/user-window.ts')),
      ...(await load('shared/grains/window.ts')),
    },
    items: await load('lambdas/state/dynamodb-items.ts'),
    stateTable: await load('lambdas/state/dynamodb.ts'),
    pagesTable: await load('lambdas/state/dynamodb-pages.ts'),
    foldBatch: await load('lambdas/state/fold-batch.ts'),
    foldTurns: await load('lambdas/state/fold-turns.ts'),
    mergeBatch: await load('lambdas/windows/merge-batch.ts'),
    sweep: await load('lambdas/windows/plan-sweep.ts'),
    erasure: await load('lambdas/search/erasure.ts'),
    indexBatch: await load('lambdas/search/index-batch.ts'),
    replayEvents: await load('lambdas/ingest/replay-events.ts'),
    replayDelta: await load('lambdas/ingest/replay-delta.ts'),
    planFailures: await load('lambdas/quarantine/plan-failures.ts'),
    judgeBatch: await load('lambdas/quarantine/judge-batch.ts'),
  }
}
