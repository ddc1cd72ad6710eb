import { eventTypes, projections } from '../../shared/catalogue.ts'
import { defineHandler } from '../handler.ts'
import { openSearch } from './opensearch.ts'
import { dropOldEvents, ensureEventTemplates, ensureIndices } from './set-up.ts'

/** Creates indices, aliases and templates and deletes raw events past their retention. Runs after a deployment and daily. */
export const handler = defineHandler('set-up', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  return async (_event: unknown, telemetry) => {
    await ensureIndices(client, projections)
    await ensureEventTemplates(client, eventTypes)
    telemetry.annotate('dropped', await dropOldEvents(client, Number(environment.RAW_EVENT_DAYS), Date.now()))
  }
})
