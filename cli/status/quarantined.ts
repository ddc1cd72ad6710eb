import { identityText } from '../../shared/event.ts'
import type { IdentifiedSummary } from '../../shared/quarantine.ts'
import type { RejectionCode } from '../../shared/rejections.ts'
import { documentText, type Identity, type RejectedDocuments } from './facts.ts'

/** Codes of accepted events that are in no projection. */
const UNFOLDED: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  'projection_failed',
  'state_too_large',
  'retry_budget_spent',
  'record_unread',
])

/** The code of documents that OpenSearch rejects for good. They are quarantined with their index as type and their document id. */
const REFUSED: RejectionCode = 'document_refused'

/** The identities of quarantined events that were accepted and are in no projection. */
export const unfoldedEvents = (quarantined: readonly IdentifiedSummary[]): ReadonlySet<Identity> =>
  new Set(
    quarantined
      .filter(({ code }) => UNFOLDED.has(code))
      .flatMap(({ keyName: source, type, subject = null, id }) =>
        type === null || id === null ? [] : identityText({ source, type, subject, id }),
      ),
  )

export const rejectedDocuments = (quarantined: readonly IdentifiedSummary[]): RejectedDocuments =>
  new Set(quarantined.filter(({ code }) => code === REFUSED).map(({ type, id }) => documentText(type, id)))
