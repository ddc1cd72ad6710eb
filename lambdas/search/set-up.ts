import type { Client } from '@opensearch-project/opensearch'
import type { EventType } from '../../shared/event-type.ts'
import type { Projection } from '../../shared/projection.ts'
import { eventIndexPattern, eventMapping, isExpiredDay } from '../../shared/raw-events.ts'
import { indexOf, mappingOf } from '../../shared/search-index.ts'

/** Longer than any function runs: until then a deleted document's version is remembered, and no late write restores it. */
const REMEMBER_DELETES = '20m'

/** Makes sure that every projection has its index with the mapping of its shape, and that its alias points there alone. */
export async function ensureIndices(client: Client, projections: readonly Projection[]): Promise<void> {
  for (const projection of projections) {
    await ensureTemplate(client, projection)
    await ensureIndex(client, projection)
  }
}

/** The template keeps the mapping right even where a write makes the index. */
async function ensureTemplate(client: Client, projection: Projection): Promise<void> {
  const index = indexOf(projection)
  const settings = { 'index.gc_deletes': REMEMBER_DELETES, 'index.number_of_shards': 1, 'index.auto_expand_replicas': '0-1' }
  const body = { index_patterns: [index], priority: 100, template: { settings, mappings: mappingOf(projection.shape) } }
  await client.indices.putIndexTemplate({ name: index, body: body as never })
}

async function ensureIndex(client: Client, projection: Projection): Promise<void> {
  const index = indexOf(projection)
  const { body: exists } = await client.indices.exists({ index })
  if (!exists) await client.indices.create({ index }, { ignore: [400] }) // another environment may have been first
  const { body: aliased } = await client.indices.getAlias({ name: projection.name }, { ignore: [404] })
  const holders = Object.keys('error' in aliased ? {} : aliased)
  if (holders.length === 1 && holders[0] === index) return
  const actions = [
    ...holders.filter(holder => holder !== index).map(holder => ({ remove: { index: holder, alias: projection.name } })),
    { add: { index, alias: projection.name } },
  ]
  await client.indices.updateAliases({ body: { actions } })
}

/** Makes sure that raw events of every type, and of types without a definition, find their mapping. */
export async function ensureEventTemplates(client: Client, eventTypes: readonly EventType[]): Promise<void> {
  for (const type of [...eventTypes, undefined]) {
    const pattern = eventIndexPattern(type)
    const settings = { 'index.number_of_shards': 1, 'index.auto_expand_replicas': '0-1' }
    const body = { index_patterns: [pattern], priority: 100, template: { settings, mappings: eventMapping(type) } }
    await client.indices.putIndexTemplate({ name: pattern.slice(0, -2), body: body as never })
  }
}

/** Deletes the raw events' indices of days before the retention, and in the indices of other days what arrived before it. */
export async function dropOldEvents(client: Client, retentionDays: number, now: number): Promise<number> {
  const { body } = await client.indices.get({ index: 'events-*' })
  const old = Object.keys(body).filter(index => isExpiredDay(index.slice(index.lastIndexOf('-') + 1), now, retentionDays))
  for (const index of old) await client.indices.delete({ index })
  const before = new Date(now - retentionDays * 86_400_000).toISOString()
  const query = { range: { received: { lt: before } } }
  await client.deleteByQuery({ index: 'events-*-other', conflicts: 'proceed', body: { query } })
  return old.length
}
