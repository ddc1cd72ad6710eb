import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { isIdentityPage, type PageContent, readContent, type StoredPage } from '../../shared/memory/page-content.ts'
import type { Attributes } from '../dynamodb.ts'
import { batchGet, eachCall, type TableTarget } from './dynamodb-access.ts'
import { itemKeyOf, keyAttributes, ttlAttribute } from './dynamodb-items.ts'
import { type DynamoDbOperations, dynamoDbOperations } from './dynamodb-operations.ts'

export type PagesTable = ReturnType<typeof pagesTable>

/** Bytes of memory that a decoded identity, or a reference, needs at most. */
const DECODED_BYTES = 200
/** The part of the function's memory that the pages may have. Those of 2,000 devices with a reading a second fit into 400 MB. */
const CACHE_SHARE = 0.25
const MEBIBYTE = 2 ** 20
const DEFAULT_MEMORY = 256

/**
 * The table of pages. No stream carries its changes. A page never changes, so pages that were read or written stay in the memory of
 * the function, the least recently used ones first to go.
 */
export function pagesTable(
  table: string,
  dynamodb: DynamoDbOperations = dynamoDbOperations(new DynamoDBClient({})),
  cache = pageCache(),
) {
  const target: TableTarget = { table, dynamodb }
  return {
    /** The pages of a user that exist, by id. Throws if some could not be read. */
    async readPages(user: string, ids: readonly string[]): Promise<Map<string, PageContent>> {
      const cached = ids.flatMap(id => {
        const content = cache.get(user, id)
        return content ? [[id, content] as const] : []
      })
      const known = new Map(cached)
      const missing = ids.filter(id => !known.has(id))
      if (missing.length === 0) return known
      const { items, unread } = await batchGet(
        target,
        missing.map(id => ({ pk: user, sk: id })),
      )
      if (unread.length > 0) throw new Error(`${unread.length} pages of a user could not be read.`)
      for (const item of items) {
        const { sk: id } = itemKeyOf(item)
        const content = readPage(item)
        cache.set(user, id, content)
        known.set(id, content)
      }
      return known
    },

    /** Stores pages. A page that exists already has the same content. */
    async putPages(pages: readonly StoredPage[]): Promise<void> {
      await eachCall(pages, page => dynamodb.putItem({ TableName: table, Item: pageAttributes(page) }))
      for (const { user, id, isIndex, content } of pages) cache.set(user, id, readContent(isIndex, content))
    },
  }
}

const pageAttributes = ({ user, id, isIndex, content, ttl }: StoredPage): Attributes => ({
  ...keyAttributes({ pk: user, sk: id }),
  [isIndex ? 'index' : 'ids']: { B: content },
  ...ttlAttribute(ttl),
})

const readPage = ({ index, ids }: Attributes): PageContent =>
  readContent(index !== undefined, index?.B ?? ids?.B ?? new Uint8Array())

/** How many bytes of pages a function with this memory in MB keeps. Lambda sets the variable. */
export const cacheBytes = (memory = process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']): number =>
  Number(memory ?? DEFAULT_MEMORY) * MEBIBYTE * CACHE_SHARE

/** Pages in the memory of a function. */
export function pageCache(limit = cacheBytes()) {
  const contents = new Map<string, PageContent>()
  let bytes = 0
  const sizeOf = (content: PageContent): number =>
    DECODED_BYTES * (isIdentityPage(content) ? content.identities.length : content.references.length)
  return {
    get(user: string, id: string): PageContent | undefined {
      const key = `${id}${user}`
      const content = contents.get(key)
      if (!content) return undefined
      contents.delete(key)
      contents.set(key, content)
      return content
    },
    set(user: string, id: string, content: PageContent): void {
      const key = `${id}${user}`
      if (contents.has(key)) return
      contents.set(key, content)
      bytes += sizeOf(content)
      for (const [oldest, old] of contents) {
        if (bytes <= limit) break
        contents.delete(oldest)
        bytes -= sizeOf(old)
      }
    },
  }
}
