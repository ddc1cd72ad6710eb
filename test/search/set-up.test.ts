import type { Client } from '@opensearch-project/opensearch'
import { MissingIndexError, preparing } from '../../lambdas/search/missing-index.ts'
import { ensureIndices } from '../../lambdas/search/set-up.ts'
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
