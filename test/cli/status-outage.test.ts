import { Client } from '@opensearch-project/opensearch'
import { countCurrent, rawEventReader, refresh } from '../../cli/status/documents.ts'

// Nothing listens on this port.
const client = new Client({ node: 'http://127.0.0.1:9', maxRetries: 0 })
const document = { index: 'recent-urls-1', id: '7', version: 1 }

test('while OpenSearch is down no document counts as indexed, and nothing is settled', async () => {
  expect(await countCurrent(client, [document])).toBe(0)
  const delivery = { identity: 'i', user: '7', shard: 's', sequenceNumber: '1', raw: document }
  const stream = { deliveries: new Map([['i', delivery]]), recordsOf: new Map() }
  expect(await rawEventReader(client)(stream, new Set())).toEqual({ indexed: 0, missing: 1 })
  expect(await refresh(client, [])).toBe(false)
})
