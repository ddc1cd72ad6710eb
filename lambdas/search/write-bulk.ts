import type { BulkOperation } from '../../shared/bulk-operation.ts'
import { outcomeOf } from '../../shared/bulk-outcome.ts'
import { arrivalOfOrder, isOrder } from '../../shared/order.ts'
import type { Quarantine, QuarantinedEvent } from '../../shared/quarantine.ts'
import { reject } from '../../shared/rejections.ts'
import { SafeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import { annotateProjectionErrors } from '../projection-errors.ts'
import { MissingIndexError } from './missing-index.ts'
import { type BulkClient, bulk } from './opensearch.ts'
import type { DocumentFailure, DocumentPlan } from './plan-documents.ts'

/** Documents have some hundred bytes, so a request stays far below the cluster's request limit. */
const OPERATIONS_PER_REQUEST = 1000

export interface BulkDependencies {
  readonly client: BulkClient
  readonly quarantine: Quarantine
  readonly telemetry: Telemetry
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Quarantines the documents that could not be made, then writes the others as `writeBulk` does. */
export async function writeDocuments({ operations, failures }: DocumentPlan, dependencies: BulkDependencies): Promise<void> {
  const { quarantine, telemetry, now } = dependencies
  if (failures.length > 0) {
    await quarantine.add(failures.map(failure => asQuarantinedFailure(failure, now())))
    telemetry.count('DocumentsRefused', failures.length, 'document_refused')
    annotateProjectionErrors(
      telemetry,
      failures.map(({ reason }) => reason),
    )
  }
  await writeBulk(operations, dependencies)
}

/**
 * Writes documents. Quarantines those that the cluster will never accept. Throws if it could not write some now, so that the
 * caller's batch is delivered again: a MissingIndexError if their index does not exist.
 */
export async function writeBulk(operations: readonly BulkOperation[], dependencies: BulkDependencies): Promise<void> {
  for (let at = 0; at < operations.length; at += OPERATIONS_PER_REQUEST)
    await writeRequest(operations.slice(at, at + OPERATIONS_PER_REQUEST), dependencies)
}

async function writeRequest(
  operations: readonly BulkOperation[],
  { client, quarantine, telemetry, now }: BulkDependencies,
): Promise<void> {
  const outcomes = (await bulk(client, operations)).map(outcomeOf)
  const refused = operations.filter((_, i) => outcomes[i] === 'refused')
  const homeless = operations.filter((_, i) => outcomes[i] === 'no_index')
  const retries = homeless.length + outcomes.filter(outcome => outcome === 'retry').length
  await quarantine.add(refused.map(operation => asQuarantined(operation, now())))
  telemetry.count('DocumentsIndexed', outcomes.filter(outcome => outcome === 'written').length)
  telemetry.count('DocumentsRefused', refused.length, 'document_refused')
  telemetry.count('Retries', retries)
  if (homeless.length > 0) throw new MissingIndexError([...new Set(homeless.map(({ index }) => index))])
  if (retries > 0)
    throw new SafeError(
      `OpenSearch is busy: it did not write ${retries} of ${operations.length} documents. The batch is delivered again.`,
    )
}

const asQuarantined = (operation: BulkOperation, now: number): QuarantinedEvent => ({
  ...reject('document_refused'),
  type: operation.index,
  id: operation.id,
  keyName: '',
  received:
    'version' in operation ? arrivalOfVersion(operation.version, now) : Date.parse(String(operation.document['received'])),
  form: 'text',
  body: JSON.stringify(operation),
})

/** The version of a window over all users counts the writes of its slots, and says no time. */
const arrivalOfVersion = (version: number, now: number): number => (isOrder(version) ? Math.trunc(arrivalOfOrder(version)) : now)

/** The body has no version, so that all failures of one document are one item of the quarantine. */
const asQuarantinedFailure = ({ index, id, reason }: DocumentFailure, received: number): QuarantinedEvent => ({
  ...reject('document_refused', `${reason} Then run \`millrace reindex\`.`),
  type: index,
  id,
  keyName: '',
  received,
  form: 'text',
  body: JSON.stringify({ index, id }),
})
