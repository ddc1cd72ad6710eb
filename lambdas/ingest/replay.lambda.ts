import type { Client } from '@opensearch-project/opensearch'
import pLimit from 'p-limit'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
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
const EVENTS_AT_ONCE = 32
/** Reasons that say nothing about the event: it stays as it is. */
const TRANSIENT_CODES: ReadonlySet<RejectionCode> = new Set<RejectionCode>(['unavailable', 'search_off'])

/**
 * Sends kept events on the way of all events again, under the catalogue that is deployed. An event goes from the quarantine
 * once it is durable elsewhere; one that is refused again stays, with its new reason; a key that is not there is left out.
 */
export const handler = defineHandler('replay', environment => {
  const quarantine = quarantineReader(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET)
  const search = environment.OPENSEARCH_URL === NONE ? undefined : openSearch(environment.OPENSEARCH_URL)
  return async ({ keys, dryRun = false }: ReplayRequest, telemetry): Promise<ReplayOutcome[]> => {
    const limit = pLimit(EVENTS_AT_ONCE)
    const found = await Promise.all(keys.map(key => limit(() => quarantine.read(key))))
    const kept = found.filter(event => event !== undefined)
    const replays = kept.map(event => planReplay(event, catalogue))
    const rejections = await Promise.all(replays.map(replay => rejectionOf(replay, dryRun, search)))
    if (!dryRun) await putRecords(environment.STREAM_NAME, packReplays(replays))
    const settle = async (event: StoredQuarantinedEvent, rejection: Rejection | undefined): Promise<void> => {
      if (!rejection) await quarantine.remove(event)
      else if (!TRANSIENT_CODES.has(rejection.code)) await quarantine.amend(event.key, rejection)
    }
    if (!dryRun) {
      await Promise.all(kept.map((event, i) => limit(() => settle(event, rejections[i]))))
      telemetry.count('EventsReplayed', rejections.filter(rejection => rejection === undefined).length)
    }
    return kept.map(({ key }, i): ReplayOutcome => {
      const rejection = rejections[i]
      return rejection ? { key, replayed: false, code: rejection.code, message: rejection.message } : { key, replayed: true }
    })
  }
})

/** Why the event stays; undefined: it may go. Writes its document where it has one. */
async function rejectionOf(replay: Replay, dryRun: boolean, search: Client | undefined): Promise<Rejection | undefined> {
  if (replay.kind === 'refuse') return replay.rejection
  if (replay.kind === 'put' || (dryRun && search)) return undefined
  return search ? writeDocument(search, replay.operation) : reject('search_off')
}

async function writeDocument(search: Client, operation: BulkOperation): Promise<Rejection | undefined> {
  const [answer] = await bulk(search, [operation]).catch(() => [])
  if (!answer || answer.status === 429 || answer.status >= 500)
    return reject('unavailable', 'OpenSearch did not take the document now; replay again later.')
  // 409: a newer version stands there already. 404: there is nothing to delete.
  if (answer.status < 300 || answer.status === 409 || answer.status === 404) return undefined
  return reject('document_refused', answer.reason)
}
