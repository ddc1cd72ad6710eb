import { projections } from '../shared/catalogue.ts'
import { parseExact } from '../shared/exact-json.ts'
import { UserError } from '../shared/user-error.ts'
import { reasonOf } from './sending/api.ts'
import type { Target } from './target.ts'

const TIMEOUT_MS = 30_000
const PAGE = 1_000

/** GETs a path of the API with a read key. Returns undefined for 404. Throws a UserError for other errors. */
export async function get(target: Target, path: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${target.key('read')}` }
  const response = await fetch(new URL(path, target.apiUrl), { headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    error => {
      throw new UserError(`${target.apiUrl} does not respond (${reasonOf(error)}). Check it with \`npx millrace status\`.`)
    },
  )
  if (response.status === 404) return undefined
  if (response.ok) return parseExact(await response.text())
  const { code = '', message = '' } = (await response.json().catch(() => ({}))) as { code?: string; message?: string }
  throw new UserError(`The API responded with ${response.status} ${code}: ${message}`)
}

export type Document = Readonly<Record<string, unknown>>

/** An explicit range, because the API leaves windows of the future out of its default view. */
const EVERY_WINDOW = { from: '0001-01-01T00:00:00Z' }

/** All documents of a projection, in the API's order; undefined for an unknown projection. */
export async function documentsOf(target: Target, projection: string): Promise<Document[] | undefined> {
  const documents: Document[] = []
  const range = projections.some(({ name, grain }) => name === projection && grain.hasWindow) ? EVERY_WINDOW : {}
  let cursor: string | null = null
  do {
    const query: string = new URLSearchParams({ ...range, limit: String(PAGE), ...(cursor && { cursor }) }).toString()
    const page = (await get(target, `/v1/projections/${encodeURIComponent(projection)}?${query}`)) as
      | { data: Document[]; cursor: string | null }
      | undefined
    if (!page) return undefined
    documents.push(...page.data)
    cursor = page.cursor
  } while (cursor)
  return documents
}
