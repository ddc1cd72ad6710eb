import { type Client, errors } from '@opensearch-project/opensearch'
import type { ExpectedDocument, StreamFacts } from './facts.ts'

const DOCUMENTS_A_READ = 1_000

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
  for (let at = 0; at < expected.length; at += DOCUMENTS_A_READ) {
    const some = expected.slice(at, at + DOCUMENTS_A_READ)
    const docs = some.map(({ index, id }) => ({ _index: index, _id: id }))
    const { body } = await client.mget({ body: { docs }, _source: false })
    current += some.filter(({ version }, i) => {
      const found = body.docs[i]
      return found && 'found' in found && found.found && found._version === version
    }).length
  }
  return current
}

/** Counts the raw events of the stream that have their document; one that was seen is not asked for again. */
export function rawEventReader(client: Client): (stream: StreamFacts) => Promise<number> {
  const seen = new Set<string>()
  return async ({ deliveries }) => {
    const missing = [...deliveries.values()].flatMap(({ raw }) => (raw && !seen.has(raw.id) ? [raw] : []))
    for (let at = 0; at < missing.length; at += DOCUMENTS_A_READ) {
      const found = await readExisting(client, missing.slice(at, at + DOCUMENTS_A_READ))
      for (const id of found) seen.add(id)
      if (found.length === 0) break
    }
    return seen.size
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

/** Makes what is indexed visible to searches. */
export async function refresh(client: Client, expected: readonly ExpectedDocument[]): Promise<void> {
  const index = [...new Set(expected.map(document => document.index))]
  if (index.length > 0) await client.indices.refresh({ index, ignore_unavailable: true })
}
