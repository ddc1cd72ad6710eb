import type { KinesisStreamEvent } from 'aws-lambda'
import { eventTypes } from '../../shared/catalogue.ts'
import { parseRawEventTypes, type RawEventSettings } from '../../shared/raw-events.ts'
import { fromLines } from '../../shared/stream-record.ts'
import { defineHandler } from '../handler.ts'
import { quarantineStore } from '../quarantine/dynamodb.ts'
import { preparing } from './missing-index.ts'
import { openSearch } from './opensearch.ts'
import { planEvents } from './plan-events.ts'
import { createIndices, ensureEventTemplates } from './set-up.ts'
import { writeBulk } from './write-bulk.ts'

/** Reads the event stream and writes one document for each recent raw event of the types that are on. */
export const handler = defineHandler('index-events', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  const quarantine = quarantineStore(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  const raw: RawEventSettings = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    isOn: parseRawEventTypes(environment.RAW_EVENT_TYPES),
    retentionDays: Number(environment.RAW_EVENT_DAYS),
  }
  const withIndices = preparing(async missing => {
    await ensureEventTemplates(client, eventTypes)
    await createIndices(client, missing)
  })
  return async ({ Records }: KinesisStreamEvent, telemetry) => {
    const lines = Records.map(({ kinesis }) =>
      fromLines(Buffer.from(kinesis.data, 'base64').toString(), raw.eventTypes, 'search'),
    )
    const operations = planEvents(
      lines.flatMap(({ events }) => events),
      raw,
    )
    if (operations.length === 0) return
    await withIndices(() => writeBulk(operations, { client, quarantine, telemetry }))
  }
})
