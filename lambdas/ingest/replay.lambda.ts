import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Client } from '@opensearch-project/opensearch'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { outcomeOf } from '../../shared/bulk-outcome.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { NONE, ON } from '../../shared/environment.ts'
import type { ReplayOutcome, ReplayRequest } from '../../shared/quarantine.ts'
import { type Rejection, reject } from '../../shared/rejections.ts'
import { defineHandler } from '../handler.ts'
import { liveKeys } from '../keys/dynamodb-list.ts'
import { quarantineReader } from '../quarantine/dynamodb-read.ts'
import { bulk, openSearch } from '../search/opensearch.ts'
import { stateTable } from '../state/dynamodb.ts'
import { windowLifetime } from '../window-lifetime.ts'
import { putRecords } from './kinesis.ts'
import { replayDelta } from './replay-delta.ts'
import { replayDocument } from './replay-document.ts'
import { type ReplayDependencies, replayEvents } from './replay-events.ts'

/** Replays quarantined events with the deployed catalogue: through the stream, or into the one store that missed them. */
export const handler = defineHandler('replay', environment => {
  const search = environment.OPENSEARCH_URL === NONE ? undefined : openSearch(environment.OPENSEARCH_URL)
  const table = stateTable(environment.STATE_TABLE)
  const windows = {
    table,
    projections,
    lifetime: windowLifetime(environment),
    now: Date.now,
  }
  const dependencies: ReplayDependencies = {
    quarantine: quarantineReader(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET),
    eventTypes: new Map(eventTypes.map(type => [type.name, type])),
    keys: () => liveKeys({ client: new DynamoDBClient({}), table: environment.KEYS_TABLE }),
    signedTraits: environment.SIGNED_TRAITS === ON,
    put: records => putRecords(environment.STREAM_NAME, records),
    writeDocument: search && (operation => replayDocument(operation, { table, write: each => writeDocument(search, each) })),
    mergeDelta: (delta, dryRun) => replayDelta(delta, { ...windows, dryRun }),
    now: Date.now,
  }
  return async (request: ReplayRequest, telemetry): Promise<ReplayOutcome[]> => {
    const outcomes = await replayEvents(request, dependencies)
    if (!request.dryRun)
      telemetry.count('EventsReplayed', outcomes.filter(outcome => outcome.replayed && !outcome.remaining).length)
    return outcomes
  }
})

async function writeDocument(search: Client, operation: BulkOperation): Promise<Rejection | undefined> {
  const [result] = await bulk(search, [operation]).catch(() => [])
  const outcome = result ? outcomeOf(result) : 'retry'
  if (outcome === 'retry') return reject('unavailable', 'OpenSearch could not write the document now; replay it later.')
  if (outcome === 'no_index')
    return reject('unavailable', `OpenSearch has no index ${operation.index}; replay the document when it exists.`)
  return outcome === 'refused' ? reject('document_refused', result?.reason) : undefined
}
