import { type Client, errors } from '@opensearch-project/opensearch'
import { MissingIndexError, preparing } from '../../lambdas/search/missing-index.ts'
import { dropOldEvents, ensureIndices, setUp } from '../../lambdas/search/set-up.ts'
import { recentUrls } from '../../shared/projections/recent-urls.ts'

/** A cluster with indices and aliases. Records each change of an alias. */
function cluster() {
  const indices = new Set<string>()
  const aliases = new Map<string, string>()
  const moves: string[] = []
  const client = {
    indices: {
      putIndexTemplate: async () => undefined,
      putMapping: async () => ({ statusCode: 200, body: { acknowledged: true } }),
      exists: async ({ index }: { index: string }) => ({ body: indices.has(index) }),
      create: async ({ index }: { index: string }) => void indices.add(index),
      getAlias: async ({ name }: { name: string }) => {
        const index = aliases.get(name)
        return { body: index === undefined ? { error: 'missing' } : { [index]: {} } }
      },
      updateAliases: async ({ body }: { body: { actions: { add?: { index: string; alias: string } }[] } }) => {
        for (const { add } of body.actions)
          if (add) {
            aliases.set(add.alias, add.index)
            moves.push(add.index)
          }
      },
    },
  }
  return { client: client as unknown as Client, indices, moves }
}

test.each([
  ['rising', [1, 2]],
  ['falling', [2, 1]],
])('the greatest revision of a name gets the alias, and keeps it: order in the catalogue %s', async (_, order) => {
  const { client, indices, moves } = cluster()
  const revisions = order.map(revision => ({ ...recentUrls, revision }))
  await ensureIndices(client, revisions)
  await ensureIndices(client, revisions)
  expect(indices).toEqual(new Set(['recent-urls-r1', 'recent-urls-r2']))
  expect(moves).toEqual(['recent-urls-r2'])
})

test('indices are prepared before the first batch, and again after a batch that found one missing', async () => {
  const prepared: (readonly string[])[] = []
  const withIndices = preparing(async missing => void prepared.push(missing))
  await withIndices(async () => undefined)
  await withIndices(async () => undefined)
  expect(prepared).toEqual([[]])
  const busy = withIndices(() => Promise.reject(new Error('busy')))
  await expect(busy).rejects.toThrow('busy')
  const missing = withIndices(() => Promise.reject(new MissingIndexError(['recent-urls-r1'])))
  await expect(missing).rejects.toThrow('recent-urls-r1')
  await withIndices(async () => undefined)
  await withIndices(async () => undefined)
  expect(prepared).toEqual([[], ['recent-urls-r1']])
})

const NOW = Date.parse('2026-11-28T02:10:00Z')
const OLD = ['events-interaction-2026.10.01', 'events-interaction-2026.10.02', 'events-click-2026.10.03']

/** A cluster with old raw events of which some indices cannot be deleted, as during a snapshot. Records what is deleted. */
function oldEvents(blocked: readonly string[], isFull = false) {
  const deleted: string[] = []
  const refuse = (type: string, reason: string, statusCode: number) =>
    new errors.ResponseError({ statusCode, body: { error: { type, root_cause: [{ type, reason }] } } } as never)
  const client = {
    indices: {
      get: async () => ({
        body: Object.fromEntries([...OLD, 'events-click-2026.11.27', 'events-click-other'].map(name => [name, {}])),
      }),
      delete: async ({ index }: { index: string }) => {
        if (blocked.includes(index)) throw refuse('snapshot_in_progress_exception', `${index} is in a snapshot`, 503)
        deleted.push(index)
      },
      putIndexTemplate: async () => {
        if (isFull) throw refuse('cluster_block_exception', 'disk usage exceeded flood-stage watermark', 429)
      },
      putMapping: async () => ({ statusCode: 200, body: { acknowledged: true } }),
    },
    deleteByQuery: async ({ index }: { index: string }) => void deleted.push(index),
  }
  return { client: client as unknown as Client, deleted }
}

test('old raw events that cannot be deleted now stop no other deletion; then the first reason is thrown', async () => {
  const [first = '', second = '', third = ''] = OLD
  const { client, deleted } = oldEvents([first, second])
  await expect(dropOldEvents(client, 7, NOW)).rejects.toThrow(
    `The index ${first} could not be deleted. snapshot_in_progress_exception: [snapshot_in_progress_exception] Reason: ${first} is in a snapshot. The next daily set-up tries again.`,
  )
  expect(deleted).toEqual([third, 'events-*-other'])
})

test('old raw events are deleted also if the disk is too full to prepare indices', async () => {
  const { client, deleted } = oldEvents([], true)
  const dropped: unknown[] = []
  const telemetry = { annotate: (name: string, value: unknown) => void dropped.push([name, value]) }
  const wanted = { projections: [], eventTypes: [], retentionDays: 7 }
  await expect(setUp(client, wanted, NOW, telemetry)).rejects.toThrow('flood-stage')
  expect([deleted, dropped]).toEqual([[...OLD, 'events-*-other'], [['dropped', 3]]])
})
