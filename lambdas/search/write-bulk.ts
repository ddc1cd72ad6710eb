import type { Client } from '@opensearch-project/opensearch'
import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { arrivalOfOrder } from '../../shared/order.ts'
import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import { outcomeOf } from './bulk-outcome.ts'
import { bulk } from './opensearch.ts'

/** Operations a request: with documents of some hundred bytes that stays far below the cluster's request limit. */
const OPERATIONS_PER_REQUEST = 1000

export interface BulkDependencies {
  readonly client: Client
  readonly quarantine: Quarantine
  readonly telemetry: Telemetry
}

/** Writes documents; what the cluster never takes is put aside. Throws when it cannot take some now: they must come again. */
export async function writeBulk(operations: readonly BulkOperation[], dependencies: BulkDependencies): Promise<void> {
  for (let at = 0; at < operations.length; at += OPERATIONS_PER_REQUEST)
    await writeSome(operations.slice(at, at + OPERATIONS_PER_REQUEST), dependencies)
}

async function writeSome(
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
  if (retries > 0) throw new SafeError(`OpenSearch is busy: ${retries} of ${operations.length} documents must be sent again.`)
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
