import type { Dialect } from './dialect.ts'
import { cloudEvents } from './dialects/cloud-events.ts'
import { native } from './dialects/native.ts'
import { rows } from './dialects/rows.ts'
import { segment } from './dialects/segment.ts'

/** Every wire format. Of the dialects with the same route, the first one gets the bodies that no other claims. */
export const dialects = [native, rows, segment, cloudEvents] as const satisfies readonly Dialect[]
