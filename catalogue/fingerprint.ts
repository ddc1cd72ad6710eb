import type { EventType } from '../shared/event-type.ts'
import { type Projection, projectionKey } from '../shared/projection.ts'
import type { RecordedRevision } from '../shared/revisions.ts'
import { canonicalText, digest } from './digest.ts'
import { foldSample } from './fold-sample.ts'
import { sampleEvents } from './sample-events.ts'
import { shapeText } from './shape-text.ts'
import { moduleDigest } from './sources.ts'

/** A projection of the catalogue, as revisions.json records it. */
export interface Fingerprint extends RecordedRevision {
  readonly key: string
  readonly name: string
  readonly revision: number
  readonly file: string
}

/** Folds sample events with the projection and digests its module. */
export function fingerprintOf(projection: Projection, file: string, source: string): Fingerprint {
  const events = sampleEvents(projection.on as readonly EventType[])
  return {
    key: projectionKey(projection),
    name: projection.name,
    revision: projection.revision,
    file,
    shape: shapeText(projection.shape),
    events: events.length,
    sample: digest(canonicalText(events)),
    digest: digest(canonicalText(foldSample(projection, events))),
    module: moduleDigest(source),
  }
}
