import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { arrivalOfOrder } from '../../shared/order.ts'
import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import { outcomeOf } from './bulk-outcome.ts'
import { type BulkClient, bulk } from './opensearch.ts'

/** Documents have some hundred bytes, so a request stays far below the cluster's request limit. */
const OPERATIONS_PER_REQUEST = 1000

export interface BulkDependencies {
  readonly client: BulkClient
  readonly quarantine: Quarantine
  readonly telemetry: Telemetry
}

/**
 * Writes documents. Quarantines those that the cluster will never accept. Throws if it could not write some now, so that the
 * caller's batch is delivered again.
 */
export async function writeBulk(operations: readonly BulkOperation[], dependencies: BulkDependencies): Promise<void> {
  for (let at = 0; at < operations.length; at += OPERATIONS_PER_REQUEST)
    await writeRequest(operations.slice(at, at + OPERATIONS_PER_REQUEST), dependencies)
}

async function writeRequest(
  operations: readonly BulkOperation[],
  { client, quarantine, telemetry }: BulkDependencies,
): Promise<void> {
  const outcomes = (await bulk(client, operations)).map(outcomeOf)
  const refused = operations.filter((_, i) => outcomes[i] === 'refused')
  const retries = outcomes.filter(outcome => outcome === 'retry').length
  await quarantine.add(refused.map(asQuarantined))
  telemetry.count('DocumentsIndexed', outcomes.filter(outcome => outcome === 'written').length)
  telemetry.count('DocumentsRefused', refused.length, 'document_refused')
  telemetry.count('Retries', retries)
  if (retries > 0)
    throw new SafeError(
      `OpenSearch is busy: it did not write ${retries} of ${operations.length} documents. The batch is delivered again.`,
    )
}

const asQuarantined = (operation: BulkOperation): QuarantinedEvent => ({
  ...reject('document_refused'),
  type: operation.index,
  id: operation.id,
  keyName: '',
  received:
    'version' in operation ? Math.trunc(arrivalOfOrder(operation.version)) : Date.parse(String(operation.document['received'])),
  form: 'text',
  body: JSON.stringify(operation),
})
