import type { KinesisStreamEvent, KinesisStreamRecord } from 'aws-lambda'
import { eventTypes } from '../../shared/catalogue.ts'
import { parseRawEventTypes, type RawEventSettings } from '../../shared/raw-events.ts'
import { defineHandler } from '../handler.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { preparing } from './missing-index.ts'
import { openSearch } from './opensearch.ts'
import { type EventRecord, planEvents } from './plan-events.ts'
import { createIndices, ensureEventTemplates } from './set-up.ts'
import { writeBulk } from './write-bulk.ts'

/** Reads the event stream and writes one document for each recent raw event of the types that are on. */
export const handler = defineHandler('index-events', environment => {
  const client = openSearch(environment.OPENSEARCH_URL)
  const quarantine = quarantineOf(environment)
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
    const { operations, failures } = planEvents(Records.map(eventRecord), raw)
    await quarantine.add(failures)
    for (const { code } of failures) telemetry.count('EventsQuarantined', 1, code)
    if (operations.length === 0) return
    await withIndices(() => writeBulk(operations, { client, quarantine, telemetry, now: Date.now }))
  }
})

const eventRecord = ({ kinesis }: KinesisStreamRecord): EventRecord => ({
  sequenceNumber: kinesis.sequenceNumber,
  text: Buffer.from(kinesis.data, 'base64').toString(),
  arrived: Math.trunc(kinesis.approximateArrivalTimestamp * 1000),
})
