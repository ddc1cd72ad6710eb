import { type API, type Client, errors } from '@opensearch-project/opensearch'
import type { EventType } from '../../shared/event-type.ts'
import type { Projection } from '../../shared/projection.ts'
import { eventIndexPattern, eventMapping, isExpiredDay } from '../../shared/raw-events.ts'
import { currentRevisions } from '../../shared/revisions.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { indexOf, mappingOf } from '../../shared/search-index.ts'
import type { Telemetry } from '../handler.ts'

/** How long OpenSearch remembers the version of a deleted document, so that no late write restores it: longer than any function runs. */
const REMEMBER_DELETES = '20m'
const SETTINGS = { 'index.number_of_shards': 1, 'index.auto_expand_replicas': '0-1' }
const DAY_MS = 86_400_000
const OTHER_EVENTS = 'events-*-other'

interface Wanted {
  readonly projections: readonly Projection[]
  readonly eventTypes: readonly EventType[]
  readonly retentionDays: number
}

/**
 * Prepares the indices and templates, and deletes old raw events, also if the first fails: the deletions free the disk space without
 * which OpenSearch refuses changes of indices.
 */
export async function setUp(client: Client, wanted: Wanted, now: number, telemetry: Pick<Telemetry, 'annotate'>): Promise<void> {
  const [prepared] = await Promise.allSettled([prepare(client, wanted)])
  const [dropped] = await Promise.allSettled([dropOldEvents(client, wanted.retentionDays, now)])
  if (dropped.status === 'fulfilled') telemetry.annotate('dropped', dropped.value)
  for (const step of [prepared, dropped]) if (step.status === 'rejected') throw step.reason
}

async function prepare(client: Client, { projections, eventTypes }: Wanted): Promise<void> {
  const conflicts = [...(await ensureIndices(client, projections)), ...(await ensureEventTemplates(client, eventTypes))]
  if (conflicts.length > 0) throw new SafeError(conflicts.join(' '))
}

/** What an existing index cannot become, as sentences with what to do. Empty: nothing. */
export type MappingConflicts = readonly string[]

/**
 * Ensures that every projection has an index with the mapping of its shape, and that the alias of each name points only to the
 * index of its greatest revision. An index that exists gets the fields that it lacks.
 */
export async function ensureIndices(client: Client, projections: readonly Projection[]): Promise<MappingConflicts> {
  const current = currentRevisions(projections)
  const conflicts: string[] = []
  for (const projection of projections) {
    const index = indexOf(projection)
    // A template, because a write may create the index.
    const template = { settings: { 'index.gc_deletes': REMEMBER_DELETES, ...SETTINGS }, mappings: mappingOf(projection.shape) }
    await putTemplate(client, index, index, template)
    await createIndices(client, [index])
    const conflict = await addFields(client, index, template.mappings)
    if (conflict) conflicts.push(`The shape of ${index} changed: ${conflict} Raise the revision of ${projection.name}.`)
    if (current.includes(projection)) await ensureAlias(client, projection)
  }
  return conflicts
}

interface Template {
  readonly settings: Readonly<Record<string, string | number>>
  readonly mappings: ReturnType<typeof mappingOf>
}

async function putTemplate(client: Client, name: string, pattern: string, { settings, mappings }: Template): Promise<void> {
  const body = { index_patterns: [pattern], priority: 100, template: { settings, mappings } }
  // The client's type of a mapping is a union over all field types, which a computed mapping does not fit.
  await client.indices.putIndexTemplate({ name, body: body as API.Indices_PutIndexTemplate_RequestBody })
}

/** Adds the fields that existing indices lack. Returns why OpenSearch refuses it: a field has another type there. */
async function addFields(client: Client, index: string, mappings: Template['mappings']): Promise<string | undefined> {
  const body = mappings as API.Indices_PutMapping_RequestBody
  // 404: no index matches the pattern.
  const { statusCode, body: answer } = await client.indices.putMapping({ index, body }, { ignore: [400, 404] })
  if (statusCode !== 400) return undefined
  const { error } = answer as unknown as { readonly error: { readonly reason: string } }
  return `${error.reason}.`
}

/** Creates those of the indices that do not exist. Their mappings come from templates. */
export async function createIndices(client: Client, indices: readonly string[]): Promise<void> {
  for (const index of indices) {
    const { body: exists } = await client.indices.exists({ index })
    if (!exists) await client.indices.create({ index }, { ignore: [400] }) // 400: another invocation was faster
  }
}

async function ensureAlias(client: Client, projection: Projection): Promise<void> {
  const index = indexOf(projection)
  const { body: aliased } = await client.indices.getAlias({ name: projection.name }, { ignore: [404] })
  const targets = Object.keys('error' in aliased ? {} : aliased)
  if (targets.length === 1 && targets[0] === index) return
  const actions = [
    ...targets.filter(target => target !== index).map(target => ({ remove: { index: target, alias: projection.name } })),
    { add: { index, alias: projection.name } },
  ]
  await client.indices.updateAliases({ body: { actions } })
}

/**
 * Ensures that raw events have index templates: one for each event type, and one for types without a definition. Indices that
 * exist get the fields that they lack.
 */
export async function ensureEventTemplates(client: Client, eventTypes: readonly EventType[]): Promise<MappingConflicts> {
  const conflicts: string[] = []
  for (const type of [...eventTypes, undefined]) {
    const pattern = eventIndexPattern(type)
    const template = { settings: SETTINGS, mappings: eventMapping(type) }
    await putTemplate(client, pattern.slice(0, -2), pattern, template)
    const conflict = await addFields(client, pattern, template.mappings)
    if (conflict)
      conflicts.push(
        `A field of the event type ${type?.name} changed: ${conflict} Give it a new name, or delete the indices ${pattern}: the archive has their events.`,
      )
  }
  return conflicts
}

/**
 * Deletes raw events that are older than the retention: whole indices of a day, and in the indices `events-*-other` the
 * documents received before it. What cannot be deleted stops no other deletion: the first failure is thrown after all of them. Returns
 * the number of deleted indices.
 */
export async function dropOldEvents(client: Client, retentionDays: number, now: number): Promise<number> {
  const { body } = await client.indices.get({ index: 'events-*' })
  const old = Object.keys(body).filter(index => isExpiredDay(index.slice(index.lastIndexOf('-') + 1), now, retentionDays))
  const failures: SafeError[] = []
  const attempt = async (what: string, deletion: PromiseLike<unknown>): Promise<void> => {
    try {
      await deletion
    } catch (error) {
      failures.push(notDeleted(what, error))
    }
  }
  for (const index of old) await attempt(`The index ${index}`, client.indices.delete({ index }))
  const before = new Date(now - retentionDays * DAY_MS).toISOString()
  const query = { range: { received: { lt: before } } }
  const documents = client.deleteByQuery({ index: OTHER_EVENTS, conflicts: 'proceed', body: { query } })
  await attempt(`Old documents of ${OTHER_EVENTS}`, documents)
  if (failures[0]) throw failures[0]
  return old.length
}

/** OpenSearch's reason for a deletion names only indices. */
function notDeleted(what: string, error: unknown): SafeError {
  const reason = error instanceof errors.ResponseError ? ` ${error.message}.` : ''
  return new SafeError(`${what} could not be deleted.${reason} The next daily set-up tries again.`, { cause: error })
}
