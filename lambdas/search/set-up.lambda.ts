import { eventTypes, projections } from '../../shared/catalogue.ts'
import { defineHandler } from '../handler.ts'
import { openSearch } from './opensearch.ts'
import { setUp } from './set-up.ts'

/** Creates indices, aliases and templates, adds fields to existing indices, and deletes raw events past their retention. Runs after a deployment and daily. */
export const handler = defineHandler('set-up', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  const wanted = { projections, eventTypes, retentionDays: Number(environment.RAW_EVENT_DAYS) }
  return (_event: unknown, telemetry) => setUp(client, wanted, Date.now(), telemetry)
})
