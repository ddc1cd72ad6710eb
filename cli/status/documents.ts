import { type Client, errors } from '@opensearch-project/opensearch'
import type { Projection } from '../../shared/projection.ts'
import { indexOf } from '../../shared/search-index.ts'
import { documentText, type ExpectedDocument, type RawDocumentRef, type RejectedDocuments, type StreamFacts } from './facts.ts'

const DOCUMENTS_PER_READ = 1_000
const RAW_EVENTS = 'events-*'

/** Counts the documents that OpenSearch holds in exactly this version; 0 while OpenSearch is unavailable. */
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

/** Reads by id: a get is real-time and finds documents before a refresh, a search does not. */
async function readVersions(
  client: Client,
  expected: readonly ExpectedDocument[],
  isCurrent = (found: number, version: number) => found === version,
): Promise<number> {
  let current = 0
  for (let at = 0; at < expected.length; at += DOCUMENTS_PER_READ) {
    const page = expected.slice(at, at + DOCUMENTS_PER_READ)
    const docs = page.map(({ index, id }) => ({ _index: index, _id: id }))
    const { body } = await client.mget({ body: { docs }, _source: false })
    current += page.filter(({ version }, i) => {
      const found = body.docs[i]
      return found && 'found' in found && found.found && isCurrent(found._version ?? 0, version)
    }).length
  }
  return current
}

interface RawDocuments {
  /** Raw events of the stream whose documents are in OpenSearch. */
  readonly indexed: number
  /** Raw events of the stream without a document, except those whose document OpenSearch rejected. */
  readonly missing: number
}

/** Returns a function that looks for the documents of the stream's raw events. Each call reads only those not found before. */
export function rawEventReader(client: Client): (stream: StreamFacts, rejected: RejectedDocuments) => Promise<RawDocuments> {
  const seen = new Set<string>()
  return async ({ deliveries }, rejected) => {
    const expected = [...deliveries.values()].flatMap(({ raw }) => raw ?? [])
    const isMissing = ({ index, id }: RawDocumentRef) => !seen.has(id) && !rejected.has(documentText(index, id))
    const missing = expected.filter(isMissing)
    for (let at = 0; at < missing.length; at += DOCUMENTS_PER_READ) {
      const found = await readExisting(client, missing.slice(at, at + DOCUMENTS_PER_READ))
      for (const id of found) seen.add(id)
      if (found.length === 0) break
    }
    return { indexed: seen.size, missing: missing.filter(isMissing).length }
  }
}

/** The ids of the documents that OpenSearch holds; none while it is unavailable. */
async function readExisting(client: Client, refs: readonly RawDocumentRef[]): Promise<string[]> {
  try {
    const docs = refs.map(({ index, id }) => ({ _index: index, _id: id }))
    const { body } = await client.mget({ body: { docs }, _source: false })
    return body.docs.flatMap(found => ('found' in found && found.found ? [found._id] : []))
  } catch (error) {
    if (isOutage(error)) return []
    throw error
  }
}

/** Documents of states and raw events that OpenSearch lacks, or has in an older version; all of them while it is unavailable. */
export async function countMissing(
  client: Client,
  expected: readonly ExpectedDocument[],
  raw: readonly RawDocumentRef[],
  rejected: RejectedDocuments,
): Promise<number> {
  const events = raw.filter(({ index, id }) => !rejected.has(documentText(index, id)))
  try {
    // A state may have been folded on since its item was read.
    const current = await readVersions(client, expected, (found, version) => found >= version)
    return expected.length - current + events.length - (await readExisting(client, events)).length
  } catch (error) {
    if (isOutage(error)) return expected.length + events.length
    throw error
  }
}

/**
 * How many documents OpenSearch holds, in any version: those of the projections, and raw events. A count finds what a search finds,
 * so it needs a refresh.
 */
export async function countDocuments(client: Client, projections: readonly Projection[]): Promise<number> {
  const index = [...projections.map(indexOf), RAW_EVENTS]
  try {
    await client.indices.refresh({ index, ignore_unavailable: true })
    const { body } = await client.count({ index, ignore_unavailable: true })
    return body.count
  } catch (error) {
    if (isOutage(error)) return 0
    throw error
  }
}

/** Makes all indexed documents visible to searches, including raw events. Returns false while OpenSearch is unavailable. */
export async function refresh(client: Client, expected: readonly ExpectedDocument[]): Promise<boolean> {
  const index = [...new Set(expected.map(document => document.index)), RAW_EVENTS]
  try {
    await client.indices.refresh({ index, ignore_unavailable: true })
    return true
  } catch (error) {
    if (isOutage(error)) return false
    throw error
  }
}
