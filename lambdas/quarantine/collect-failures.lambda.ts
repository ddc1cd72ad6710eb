import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { ARCHIVE_ERROR_PREFIX } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { memoryRules } from '../../shared/memory/rules.ts'
import { type CollectRequest, DISCARDED_PREFIX, type QuarantinedEvent, UNCOLLECTED_PREFIX } from '../../shared/quarantine.ts'
import { parseRawEventTypes } from '../../shared/raw-events.ts'
import { MAX_DELIVERY_MS } from '../../shared/record-age.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { defineHandler } from '../handler.ts'
import { stateTable } from '../state/dynamodb.ts'
import { pagesTable } from '../state/dynamodb-pages.ts'
import { type Collected, collect, type FailureSource } from './collect-objects.ts'
import { quarantineOf } from './dynamodb.ts'
import { bundleStore } from './dynamodb-bundles.ts'
import { type JudgeDependencies, judgeBatch } from './judge-batch.ts'
import { type FailureContext, fromDeliveryErrors, fromDiscarded, fromUncollected } from './plan-failures.ts'
import { failureBucket } from './s3.ts'
import { unpackBundle } from './unpack-bundle.ts'

/** A run starts no object after this time; the next run collects the rest. One object takes half a minute at most. */
const DEADLINE_MS = 10 * 60_000

/**
 * Moves failures from S3 into the quarantine's table: those that Lambda and Firehose write, and those of calls with very many of
 * them. An object is deleted once all its events are stored. One that fails stays and does not stop the others. With `unpack` it
 * turns the events of these bundles into items instead.
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
  return async ({ unpack = [] }: CollectRequest, telemetry): Promise<{ collected: number }> => {
    for (const key of unpack) await unpackBundle(key, { bundles, quarantine })
    if (unpack.length > 0) return { collected: 0 }
    const until = { deadline: Date.now() + DEADLINE_MS, now: Date.now }
    const left: (Collected & { readonly problem: string })[] = []
    let collected = 0
    for (const source of sources)
      for await (const result of collect(source, quarantine, until)) {
        if ('problem' in result) {
          left.push(result)
          continue
        }
        collected += result.events.length
        // Ingest has already counted refused events; they were never accepted, so no store misses them.
        if (source.prefix !== UNCOLLECTED_PREFIX)
          for (const { code } of result.events) telemetry.count('FailuresCollected', 1, code)
      }
    const [first] = left
    if (first) throw new SafeError(`Left ${left.length} objects in place. The first is ${first.key}: ${first.problem}`)
    return { collected }
  }
})

function failureSources(
  quarantineBucket: string,
  archiveBucket: string,
  context: FailureContext,
  judging: JudgeDependencies,
): FailureSource[] {
  const objects = failureBucket(quarantineBucket)
  const archive = failureBucket(archiveBucket)
  const known = (events: readonly QuarantinedEvent[]) => async () => ({ events, mark: async () => undefined })
  return [
    { objects, prefix: UNCOLLECTED_PREFIX, parse: text => known(fromUncollected(text)) },
    {
      objects,
      prefix: DISCARDED_PREFIX,
      parse: text => {
        const { missed, unfinished } = fromDiscarded(text, context)
        return async () => {
          const { events, mark } = await judgeBatch(unfinished, judging)
          return { events: [...missed, ...events], mark }
        }
      },
    },
    { objects: archive, prefix: ARCHIVE_ERROR_PREFIX, parse: text => known(fromDeliveryErrors(text, context)) },
  ]
}
