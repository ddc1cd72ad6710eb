import { errors } from '@opensearch-project/opensearch'
import { bulk } from '../../lambdas/search/opensearch.ts'
import { writeBulk } from '../../lambdas/search/write-bulk.ts'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { outcomeOf } from '../../shared/bulk-outcome.ts'
import type { QuarantinedEvent } from '../../shared/quarantine.ts'

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

test('a refused document has the arrival of its last event; that of a window over all users, which has no such version, the present time', async () => {
  const NOW = Date.UTC(2026, 0, 2)
  const arrived = NOW - 86_400_000
  const refused: QuarantinedEvent[] = []
  const client = { bulk: async () => ({ body: { items: [{ index: { status: 400 } }, { index: { status: 400 } }] } }) }
  const operations = [arrived * 1000 + 7, 12].map(
    (version, n): BulkOperation => ({ action: 'index', index: 'a-r1', id: String(n), version, document: {} }),
  )
  await writeBulk(operations, {
    ...{ client, quarantine: { add: async events => void refused.push(...events) }, now: () => NOW },
    telemetry: { count: () => undefined, annotate: () => undefined },
  })
  expect(refused.map(({ received }) => received)).toEqual([arrived, NOW])
})
