import type { EventType } from './event-type.ts'

import { appAction } from './events/app-action.ts'
import { interaction } from './events/interaction.ts'
import { pageVisit } from './events/page-visit.ts'
import { reading } from './events/reading.ts'
import { userRecord } from './events/user-record.ts'
import { userTraits } from './events/user-traits.ts'
import { checkProjections, type Projection } from './projection.ts'
import { countryMinutes } from './projections/country-minutes.ts'
import { deviceMinutes } from './projections/device-minutes.ts'
import { recentUrls } from './projections/recent-urls.ts'
import { userActivity } from './projections/user-activity.ts'
import { userTraitsProjection } from './projections/user-traits.ts'
import type { Report } from './report.ts'
import { durationP95 } from './reports/duration-p95.ts'
import { enrichedActions } from './reports/enriched-actions.ts'

/**
 * The event types that are validated, conformed and archived in their own columns. Events of other types are accepted unchanged.
 */
export const eventTypes: readonly EventType[] = [
  pageVisit,
  appAction,
  userRecord,
  interaction,
  reading,
  userTraits,
] as readonly EventType[]

/**
 * The projections that the functions maintain. The check is marked as pure, so that a bundle that needs no projection has none.
 * It throws when the catalogue is built.
 */
export const projections: readonly Projection[] = /* @__PURE__ */ checkProjections([
  recentUrls,
  userActivity,
  countryMinutes,
  deviceMinutes,
  userTraitsProjection,
])

/** The reports that run on a schedule. */
export const reports: readonly Report[] = [durationP95, enrichedActions]

/** The folder of the reports' SQL. In the bundle of a function, it is the folder `reports` beside the entry file. */
export const reportsFolder = `${import.meta.dirname}/reports`
