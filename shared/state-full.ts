import { SafeError } from './safe-error.ts'

/** Thrown by a fold or a merge if the state has no room for what an event adds. The event is quarantined as `state_too_large`. */
export class StateFull extends SafeError {}
