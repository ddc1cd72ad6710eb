import { type Client, errors } from '@opensearch-project/opensearch'
import { type ExpectedDocument, type QuarantinedRefs, quarantinedRef, type StreamFacts } from './facts.ts'

const DOCUMENTS_PER_READ = 1_000
const RAW_EVENTS = 'events-*'

/** How many of these documents stand in OpenSearch with just this version; none while it does not answer. */
export async function countCurrent(client: Client, expected: readonly ExpectedDocument[]): Promise<number> {
  try {
    return await readVersions(client, expected)
  } catch (error) {
    if (isOutage(error)) return 0
    throw error
  }
}

const isOutage = (error: unknown): boolean =>
  error instanceof errors.ConnectionError ||
  error instanceof errors.TimeoutError ||
  error instanceof errors.NoLivingConnectionsError ||
  (error instanceof errors.ResponseError && (error.statusCode === 429 || (error.statusCode ?? 0) >= 500))

/** Reads by id, which sees what is not refreshed yet. */
async function readVersions(client: Client, expected: readonly ExpectedDocument[]): Promise<number> {
  let current = 0
  for (let at = 0; at < expected.length; at += DOCUMENTS_PER_READ) {
    const some = expected.slice(at, at + DOCUMENTS_PER_READ)
    const docs = some.map(({ index, id }) => ({ _index: index, _id: id }))
    const { body } = await client.mget({ body: { docs }, _source: false })
    current += some.filter(({ version }, i) => {
      const found = body.docs[i]
      return found && 'found' in found && found.found && found._version === version
    }).length
  }
  return current
}

/** How many raw events of the stream have their document, and how many lack it without having been refused. */
export interface RawDocuments {
  readonly indexed: number
  readonly missing: number
}

/** Looks for the documents of the stream's raw events; one that was seen is not asked for again. */
export function rawEventReader(client: Client): (stream: StreamFacts, refused: QuarantinedRefs) => Promise<RawDocuments> {
  const seen = new Set<string>()
  return async ({ deliveries }, refused) => {
    const wanted = [...deliveries.values()].flatMap(({ raw }) => raw ?? [])
    const isMissing = ({ index, id }: { index: string; id: string }) => !seen.has(id) && !refused.has(quarantinedRef(index, id))
    const missing = wanted.filter(isMissing)
    for (let at = 0; at < missing.length; at += DOCUMENTS_PER_READ) {
      const found = await readExisting(client, missing.slice(at, at + DOCUMENTS_PER_READ))
      for (const id of found) seen.add(id)
      if (found.length === 0) break
    }
    return { indexed: seen.size, missing: missing.filter(isMissing).length }
  }
}

async function readExisting(client: Client, wanted: readonly { index: string; id: string }[]): Promise<string[]> {
  try {
    const docs = wanted.map(({ index, id }) => ({ _index: index, _id: id }))
    const { body } = await client.mget({ body: { docs }, _source: false })
    return body.docs.flatMap(found => ('found' in found && found.found ? [found._id] : []))
  } catch (error) {
    if (isOutage(error)) return []
    throw error
  }
}

/** Makes what is indexed visible to searches, raw events too. */
export async function refresh(client: Client, expected: readonly ExpectedDocument[]): Promise<void> {
  const index = [...new Set(expected.map(document => document.index)), RAW_EVENTS]
  await client.indices.refresh({ index, ignore_unavailable: true })
}
