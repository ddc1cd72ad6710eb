import type { Telemetry } from './handler.ts'

const MAX_ERRORS_LOGGED = 3

/** Logs what functions of projections threw, each reason once. A log line has room for a few of them. */
export function annotateProjectionErrors(telemetry: Pick<Telemetry, 'annotate'>, reasons: Iterable<string>): void {
  const distinct = [...new Set(reasons)]
  if (distinct.length > 0) telemetry.annotate('projectionErrors', distinct.slice(0, MAX_ERRORS_LOGGED))
}
