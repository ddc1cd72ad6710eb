import type { Client } from '@opensearch-project/opensearch'
import { reject } from '../../shared/rejections.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Told } from '../handler.ts'
import type { Quarantine, QuarantinedEvent } from '../quarantine/dynamodb.ts'
import { type BulkOperation, bulk } from './opensearch.ts'
import { outcomeOf } from './retry.ts'

/** Operations a request: with documents of some hundred bytes that stays far below the cluster's request limit. */
const OPERATIONS_A_REQUEST = 1000

export interface BulkParts {
  readonly client: Client
  readonly aside: Quarantine
  readonly told: Told
}

/** Writes documents; what the cluster never takes is put aside. Throws when it cannot take some now: they must come again. */
export async function writeBulk(operations: readonly BulkOperation[], parts: BulkParts): Promise<void> {
  for (let at = 0; at < operations.length; at += OPERATIONS_A_REQUEST)
    await writeSome(operations.slice(at, at + OPERATIONS_A_REQUEST), parts)
}

async function writeSome(operations: readonly BulkOperation[], { client, aside, told }: BulkParts): Promise<void> {
  const outcomes = (await bulk(client, operations)).map(outcomeOf)
  const refused = operations.filter((_, i) => outcomes[i] === 'refused')
  const retries = outcomes.filter(outcome => outcome === 'retry').length
  await aside.keep(refused.map(asQuarantined))
  told.count('DocumentsIndexed', outcomes.filter(outcome => outcome === 'written').length)
  told.count('DocumentsRefused', refused.length, 'document_refused')
  told.count('Retries', retries)
  if (retries > 0) throw new SafeError(`OpenSearch is busy: ${retries} of ${operations.length} documents must be sent again.`)
}

const asQuarantined = (operation: BulkOperation): QuarantinedEvent => ({
  ...reject('document_refused'),
  type: operation.index,
  id: operation.id,
  keyName: '',
  received: 'version' in operation ? Math.trunc(operation.version / 1000) : Date.parse(String(operation.document['received'])),
  form: 'text',
  body: JSON.stringify(operation),
})
