import type { DynamoDbOperations } from '../../lambdas/state/dynamodb-operations.ts'
import { pageCache, pagesTable } from '../../lambdas/state/dynamodb-pages.ts'
import { newIdentityPage } from '../../shared/memory/page-content.ts'
import { Table } from '../simulation/table.ts'

const page = newIdentityPage([{ hash: 5n, arrived: 1_700_000_000, stated: 3 }])
const { id } = page.reference
const stored = { user: 'u', id, isIndex: false, content: page.packed, ttl: 1 }

test('pages that DynamoDB leaves unread fail the read', async () => {
  const items = new Table()
  await pagesTable('p', items.operations(), pageCache()).putPages([stored])
  const throttled: DynamoDbOperations = {
    ...items.operations(),
    batchGetItem: async ({ RequestItems }) => ({ Responses: {}, UnprocessedKeys: RequestItems }),
  }
  await expect(pagesTable('p', throttled, pageCache()).readPages('u', [id])).rejects.toThrow(
    '1 pages of a user could not be read.',
  )
})

test('a page that was written or read is not read again, and a page of another user is', async () => {
  const items = new Table()
  let reads = 0
  const operations = items.operations()
  const counted: DynamoDbOperations = {
    ...operations,
    batchGetItem: input => {
      reads += 1
      return operations.batchGetItem(input)
    },
  }
  const writer = pagesTable('p', counted, pageCache())
  await writer.putPages([stored])
  expect((await writer.readPages('u', [id])).get(id)).toMatchObject({ identities: [{ hash: 5n }] })
  expect(reads).toBe(0)
  const reader = pagesTable('p', counted, pageCache())
  for (let time = 0; time < 3; time++) expect((await reader.readPages('u', [id])).has(id)).toBe(true)
  expect(reads).toBe(1)
  expect((await reader.readPages('v', [id])).size).toBe(0)
  expect(reads).toBe(2)
})
