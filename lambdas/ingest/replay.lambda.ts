import type { Client } from '@opensearch-project/opensearch'
import pLimit from 'p-limit'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { outcomeOf } from '../../shared/bulk-outcome.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { NONE } from '../../shared/environment.ts'
import type { ReplayOutcome, ReplayRequest, StoredQuarantinedEvent } from '../../shared/quarantine.ts'
import { type Rejection, type RejectionCode, reject } from '../../shared/rejections.ts'
import { defineHandler } from '../handler.ts'
import { quarantineReader } from '../quarantine/dynamodb-read.ts'
import { bulk, openSearch } from '../search/opensearch.ts'
import { putRecords } from './kinesis.ts'
import { packReplays, planReplay, type Replay } from './plan-replay.ts'

const catalogue = new Map(eventTypes.map(type => [type.name, type]))
const MAX_CONCURRENT_EVENTS = 32
/** Codes that are not about the event itself. They are returned, but not stored with the event. */
const TRANSIENT_CODES: ReadonlySet<RejectionCode> = new Set<RejectionCode>(['unavailable', 'search_off'])

/**
 * Replays quarantined events through the stream, with the deployed catalogue. An event leaves the quarantine once it is
 * stored elsewhere. An event that is rejected again stays there, with the new reason. Unknown keys are left out of the result.
 */
export const handler = defineHandler('replay', environment => {
  const quarantine = quarantineReader(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  const search = environment.OPENSEARCH_URL === NONE ? undefined : openSearch(environment.OPENSEARCH_URL)
  return async ({ keys, dryRun = false }: ReplayRequest, telemetry): Promise<ReplayOutcome[]> => {
    const limit = pLimit(MAX_CONCURRENT_EVENTS)
    const read = await Promise.all(keys.map(key => limit(() => quarantine.read(key))))
    const events = read.filter(event => event !== undefined)
    const replays = events.map(event => planReplay(event, catalogue))
    const rejections = await Promise.all(replays.map(replay => rejectionOf(replay, dryRun, search)))
    if (!dryRun) {
      await putRecords(environment.STREAM_NAME, packReplays(replays))
      await Promise.all(events.map((event, i) => limit(() => settle(event, rejections[i], quarantine))))
      telemetry.count('EventsReplayed', rejections.filter(rejection => rejection === undefined).length)
    }
    return events.map(({ key }, i) => replayOutcome(key, rejections[i]))
  }
})

/** Why an event must stay in quarantine. Undefined if it may leave. Unless it is a dry run, writes the event's document, if any. */
async function rejectionOf(replay: Replay, dryRun: boolean, search: Client | undefined): Promise<Rejection | undefined> {
  if (replay.kind === 'refuse') return replay.rejection
  if (replay.kind === 'put') return undefined
  if (!search) return reject('search_off')
  return dryRun ? undefined : writeDocument(search, replay.operation)
}

async function writeDocument(search: Client, operation: BulkOperation): Promise<Rejection | undefined> {
  const [result] = await bulk(search, [operation]).catch(() => [])
  const outcome = result ? outcomeOf(result) : 'retry'
  if (outcome === 'retry') return reject('unavailable', 'OpenSearch could not write the document now; replay it later.')
  if (outcome === 'no_index')
    return reject('unavailable', `OpenSearch has no index ${operation.index}; replay the document when it exists.`)
  return outcome === 'refused' ? reject('document_refused', result?.reason) : undefined
}

/** Removes a replayed event from the quarantine, or stores why it was rejected this time. */
async function settle(
  event: StoredQuarantinedEvent,
  rejection: Rejection | undefined,
  quarantine: ReturnType<typeof quarantineReader>,
): Promise<void> {
  if (!rejection) await quarantine.remove(event)
  else if (!TRANSIENT_CODES.has(rejection.code)) await quarantine.amend(event.key, rejection)
}

const replayOutcome = (key: string, rejection: Rejection | undefined): ReplayOutcome =>
  rejection ? { key, replayed: false, code: rejection.code, message: rejection.message } : { key, replayed: true }
