import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { ARCHIVE_ERROR_PREFIX } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { memoryRules } from '../../shared/memory/rules.ts'
import {
  type CollectRequest,
  type CollectResult,
  DISCARDED_PREFIX,
  type QuarantinedEvent,
  UNCOLLECTED_PREFIX,
} from '../../shared/quarantine.ts'
import { parseRawEventTypes } from '../../shared/raw-events.ts'
import { MAX_DELIVERY_MS } from '../../shared/record-age.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { defineHandler, type Telemetry } from '../handler.ts'
import { stateTable } from '../state/dynamodb.ts'
import { pagesTable } from '../state/dynamodb-pages.ts'
import { type Collected, collect, type FailureSource } from './collect-objects.ts'
import { quarantineOf } from './dynamodb.ts'
import { bundleStore } from './dynamodb-bundles.ts'
import { type JudgeDependencies, judgeBatch } from './judge-batch.ts'
import { type FailureContext, fromDeliveryError, fromDiscarded, fromUncollected } from './plan-failures.ts'
import { failureBucket } from './s3.ts'
import { unpackBundle } from './unpack-bundle.ts'

/** A run begins no object after this time; the next run collects the rest. */
const DEADLINE_MS = 10 * 60_000
/** An object that is not finished at this time is left in place: Lambda is about to end the function. */
const END_MS = 14 * 60_000

/**
 * Moves failures from S3 into the quarantine's table: those that Lambda and Firehose write, and those of calls with very many of
 * them. An object is deleted once all its events are stored. One that fails stays and does not stop the others; then it throws, or
 * returns what is left if the caller asks for that. With `unpack` it turns the events of these bundles into items instead.
 */
export const handler = defineHandler('collect-failures', environment => {
  const quarantine = quarantineOf(environment)
  const context = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rawEventsFunction: environment.RAW_EVENTS_FUNCTION,
    documentsFunction: environment.DOCUMENTS_FUNCTION,
    isOn: parseRawEventTypes(environment.RAW_EVENT_TYPES),
  }
  const judging: JudgeDependencies = {
    table: stateTable(environment.STATE_TABLE),
    pages: pagesTable(environment.PAGES_TABLE),
    quarantine,
    rules: { eventTypes: context.eventTypes, memory: memoryRules(environment) },
    retentionMs: MAX_DELIVERY_MS,
    now: Date.now,
  }
  const sources = failureSources(environment.QUARANTINE_BUCKET, environment.ARCHIVE_BUCKET, context, judging)
  const bundles = bundleStore({
    table: environment.QUARANTINE_TABLE,
    bucket: environment.QUARANTINE_BUCKET,
    dynamodb: new DynamoDBClient({}),
    s3: new S3Client({}),
    now: Date.now,
  })
  return async ({ unpack = [], returnLeft = false }: CollectRequest, telemetry): Promise<CollectResult> => {
    for (const key of unpack) await unpackBundle(key, { bundles, quarantine })
    if (unpack.length > 0) return { collected: 0 }
    const started = Date.now()
    const times = { deadline: started + DEADLINE_MS, end: started + END_MS, now: Date.now }
    const result = await summarise(collect(sources, quarantine, times), telemetry)
    if (result.left !== undefined && !returnLeft) throw new SafeError(result.left)
    if (result.left !== undefined) telemetry.annotate('left', result.left)
    return result
  }
})

/** Waits for a run, and counts what it has collected. */
async function summarise(run: AsyncIterable<Collected>, telemetry: Telemetry): Promise<CollectResult> {
  const problems: string[] = []
  let collected = 0
  let late: string | undefined
  for await (const result of run) {
    if ('isLate' in result) late = result.key
    else if ('problem' in result) problems.push(`${result.key}: ${result.problem}`)
    else collected += countCollected(result, telemetry)
  }
  const left = problems.length > 0 ? `Left ${problems.length} objects in place. The first is ${problems[0]}` : undefined
  if (late !== undefined) telemetry.annotate('late', late)
  return { collected, ...(left !== undefined && { left }), ...(late !== undefined && { late }) }
}

/** Ingest has already counted refused events; they were never accepted, so no store misses them. */
function countCollected({ source, events }: Extract<Collected, { readonly events: unknown }>, telemetry: Telemetry): number {
  let sum = 0
  for (const [code, count] of events) {
    if (source.prefix !== UNCOLLECTED_PREFIX) telemetry.count('FailuresCollected', count, code)
    sum += count
  }
  return sum
}

function failureSources(
  quarantineBucket: string,
  archiveBucket: string,
  context: FailureContext,
  judging: JudgeDependencies,
): FailureSource[] {
  const objects = failureBucket(quarantineBucket)
  const archive = failureBucket(archiveBucket)
  const known = (events: readonly QuarantinedEvent[]) => async () => ({ events })
  return [
    { objects, prefix: UNCOLLECTED_PREFIX, failure: 'line', parse: line => known([fromUncollected(line)]) },
    {
      objects,
      prefix: DISCARDED_PREFIX,
      failure: 'object',
      parse: text => {
        const { missed, unfinished } = fromDiscarded(text, context)
        return async () => {
          const { events, mark } = await judgeBatch(unfinished, judging)
          return { events: [...missed, ...events], mark }
        }
      },
    },
    { objects: archive, prefix: ARCHIVE_ERROR_PREFIX, failure: 'line', parse: line => known(fromDeliveryError(line, context)) },
  ]
}
