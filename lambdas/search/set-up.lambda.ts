import { eventTypes, projections } from '../../shared/catalogue.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { defineHandler } from '../handler.ts'
import { openSearch } from './opensearch.ts'
import { dropOldEvents, ensureEventTemplates, ensureIndices } from './set-up.ts'

/** Creates indices, aliases and templates, adds fields to existing indices, and deletes raw events past their retention. Runs after a deployment and daily. */
export const handler = defineHandler('set-up', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  return async (_event: unknown, telemetry) => {
    const conflicts = [...(await ensureIndices(client, projections)), ...(await ensureEventTemplates(client, eventTypes))]
    telemetry.annotate('dropped', await dropOldEvents(client, Number(environment.RAW_EVENT_DAYS), Date.now()))
    if (conflicts.length > 0) throw new SafeError(conflicts.join(' '))
  }
})
