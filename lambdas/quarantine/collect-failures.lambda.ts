import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { ARCHIVE_ERROR_PREFIX } from '../../shared/archive-columns.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { memoryRules } from '../../shared/memory/rules.ts'
import {
  type CollectRequest,
  DISCARDED_PREFIX,
  type Quarantine,
  type QuarantinedEvent,
  UNCOLLECTED_PREFIX,
} from '../../shared/quarantine.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { defineHandler } from '../handler.ts'
import { stateTable } from '../state/dynamodb.ts'
import { pagesTable } from '../state/dynamodb-pages.ts'
import { MAX_EVENTS_PER_CALL, quarantineOf } from './dynamodb.ts'
import { bundleStore } from './dynamodb-bundles.ts'
import { type JudgeDependencies, judgeBatch } from './judge-batch.ts'
import { type FailureContext, fromDeliveryErrors, fromDiscarded, fromUncollected } from './plan-failures.ts'
import { failureBucket } from './s3.ts'
import { unpackBundle } from './unpack-bundle.ts'

/** A run starts no object after this time; the next run collects the rest. One object takes half a minute at most. */
const DEADLINE_MS = 10 * 60_000
const HOUR_MS = 3_600_000

/** Where failures are stored as objects, and how to read them. */
interface FailureSource {
  readonly objects: ReturnType<typeof failureBucket>
  readonly prefix: string
  /** Returns what to quarantine of an object. Throws if the text is not a failure. */
  readonly parse: (text: string) => () => Promise<Collectable>
}

/** What an object contains. */
interface Collectable {
  readonly events: readonly QuarantinedEvent[]
  /** To be called when they are quarantined, before the object is deleted. */
  mark(): Promise<void>
}

interface Collected {
  readonly key: string
  /** Undefined if the object could not be parsed; then it was left in place. */
  readonly events: readonly QuarantinedEvent[] | undefined
}

/**
 * Moves failures from S3 into the quarantine's table: those that Lambda and Firehose write, and those of calls with very many of
 * them. An object is deleted once all its events are stored. With `unpack` it turns the events of these bundles into items instead.
 */
export const handler = defineHandler('collect-failures', environment => {
  const quarantine = quarantineOf(environment)
  const context = {
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    rawEventsFunction: environment.RAW_EVENTS_FUNCTION,
    documentsFunction: environment.DOCUMENTS_FUNCTION,
  }
  const judging: JudgeDependencies = {
    table: stateTable(environment.STATE_TABLE),
    pages: pagesTable(environment.PAGES_TABLE),
    quarantine,
    rules: { eventTypes: context.eventTypes, projections, memory: memoryRules(environment) },
    retentionMs: Number(environment.RETENTION_HOURS) * HOUR_MS,
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
    const deadline = Date.now() + DEADLINE_MS
    const unrecognised: string[] = []
    let collected = 0
    for (const source of sources)
      for await (const { key, events } of collect(source, quarantine, deadline)) {
        if (!events) unrecognised.push(key)
        collected += events?.length ?? 0
        // Ingest has already counted refused events; they were never accepted, so no store misses them.
        if (source.prefix !== UNCOLLECTED_PREFIX)
          for (const { code } of events ?? []) telemetry.count('FailuresCollected', 1, code)
      }
    if (unrecognised.length > 0)
      throw new SafeError(
        `Left ${unrecognised.length} objects in place that are not known failures; inspect ${unrecognised[0]} first.`,
      )
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

/** Moves the objects of one source into the table, until the deadline (milliseconds since 1970). Yields one result per object. */
async function* collect(
  { objects, prefix, parse }: FailureSource,
  quarantine: Quarantine,
  deadline: number,
): AsyncGenerator<Collected> {
  for await (const key of objects.list(prefix)) {
    if (Date.now() > deadline) return
    const found = await parseOrUndefined(await objects.readText(key), parse)?.()
    if (found) {
      await addAll(found.events, key, quarantine)
      await found.mark()
      await objects.remove(key)
    }
    yield { key, events: found?.events }
  }
}

function parseOrUndefined(text: string, parse: FailureSource['parse']): ReturnType<FailureSource['parse']> | undefined {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/**
 * Adds the events in calls small enough that the quarantine writes them to its table and not to the bucket again. An object that
 * is collected twice counts once.
 */
async function addAll(events: readonly QuarantinedEvent[], key: string, quarantine: Quarantine): Promise<void> {
  for (let at = 0; at < events.length; at += MAX_EVENTS_PER_CALL) {
    const some = events.slice(at, at + MAX_EVENTS_PER_CALL)
    await quarantine.add(some.map(event => ({ occurrence: `${key}#${at}`, ...event })))
  }
}
