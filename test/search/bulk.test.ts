import { errors } from '@opensearch-project/opensearch'
import { bulk } from '../../lambdas/search/opensearch.ts'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { outcomeOf } from '../../shared/bulk-outcome.ts'

const operation = (id: string): BulkOperation => ({ action: 'create', index: 'events-a-other', id, document: {} })

const failure = (statusCode: number, body: unknown) =>
  new errors.ResponseError({ statusCode, body, headers: {}, warnings: null, meta: {} as never })

/** A cluster that refuses every request with one of these ids. */
function clusterThatRefuses(ids: readonly string[], error: Error) {
  const requests: string[][] = []
  const client = {
    bulk: async ({ body }: { readonly body: readonly object[] }) => {
      const sent = body.flatMap(line => ('create' in line ? (line.create as { _id: string })._id : []))
      requests.push(sent)
      if (sent.some(id => ids.includes(id))) throw error
      return { body: { items: sent.map(() => ({ create: { status: 201 } })) } }
    },
  }
  return { client, requests }
}

test.each([
  [400, { error: { type: 'action_request_validation_exception', reason: 'id is too long' } }],
  [413, ''],
])('one operation for which OpenSearch refuses a request with %i is refused alone', async (status, body) => {
  const { client } = clusterThatRefuses(['c', 'e'], failure(status, body))
  const operations = ['a', 'b', 'c', 'd', 'e'].map(operation)
  expect((await bulk(client, operations)).map(outcomeOf)).toEqual(['written', 'written', 'refused', 'written', 'refused'])
})

test.each([
  [400, 'The plain HTTP request was sent to HTTPS port'],
  [401, { error: { type: 'security_exception' } }],
  [403, { error: { type: 'cluster_block_exception' } }],
  [404, { error: { type: 'index_not_found_exception' } }],
  [429, { error: { type: 'circuit_breaking_exception' } }],
  [503, { error: { type: 'cluster_block_exception' } }],
])('a request that fails with %i for another reason is sent again as a whole', async (status, body) => {
  const { client, requests } = clusterThatRefuses(['a'], failure(status, body))
  await expect(bulk(client, ['a', 'b'].map(operation))).rejects.toMatchObject({ statusCode: status })
  expect(requests).toEqual([['a', 'b']])
})
